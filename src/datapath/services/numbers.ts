/**
 * Numbers that are given out and come back. One that came back is given out again as late as can be,
 * because flows may remember it for a while.
 */
export class Numbers {
	private readonly used = new Set<number>();
	private readonly last: number;
	private next = 1;

	/** From 1 to `last`. */
	constructor(last: number) {
		this.last = last;
	}

	/** Marks a number that is in use. */
	take(number: number): void {
		this.used.add(number);
		if (number >= this.next) this.next = number === this.last ? 1 : number + 1;
	}

	/** Undefined where all are in use. */
	allocate(): number | undefined {
		if (this.used.size >= this.last) return undefined;
		while (this.used.has(this.next)) this.next = this.next === this.last ? 1 : this.next + 1;
		const number = this.next;
		this.take(number);
		return number;
	}

	release(number: number): void {
		this.used.delete(number);
	}
}
