/** Lets one at a time through, in the order in which they came; who finds it open need not wait. */
export class Gate {
	private isTaken = false;
	private readonly waiting: (() => void)[] = [];

	/** What is to be waited for before one is through; undefined for nothing. */
	enter(): Promise<void> | undefined {
		if (this.isTaken) return new Promise(resolve => this.waiting.push(resolve));
		this.isTaken = true;
		return undefined;
	}

	/** Lets the next one through. */
	leave(): void {
		const next = this.waiting.shift();
		if (next === undefined) this.isTaken = false;
		else next();
	}
}
