/** A clock for tests of what depends on time that passes: `performance.now()` leaps each time. */
export class FastClock implements Disposable {
	private readonly now = performance.now.bind(performance);

	constructor(milliseconds: number) {
		let time = this.now();
		performance.now = () => (time += milliseconds);
	}

	[Symbol.dispose](): void {
		performance.now = this.now;
	}
}
