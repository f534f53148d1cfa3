/**
 * Numbers that are given out and come back. One that came back is given out again as late as can be,
 * because flows may remember it for a while.
 */
export class Numbers {
	private readonly used = new Bits();
	private readonly last: number;
	private count = 0;
	private next = 1;

	/** From 1 to `last`. */
	constructor(last: number) {
		this.last = last;
	}

	/** Marks a number that is in use. */
	take(number: number): void {
		if (this.used.set(number, true)) this.count++;
		if (number >= this.next) this.next = number === this.last ? 1 : number + 1;
	}

	/** Undefined where all are in use. */
	allocate(): number | undefined {
		if (this.count >= this.last) return undefined;
		while (this.used.has(this.next)) this.next = this.next === this.last ? 1 : this.next + 1;
		const number = this.next;
		this.take(number);
		return number;
	}

	release(number: number): void {
		if (this.used.set(number, false)) this.count--;
	}
}

/** Bits of a page. */
const pageSize = 1 << 15;

/** A bit for each number of 32 bits, in pages that are made when one of theirs is set. */
class Bits {
	private readonly pages = new Map<number, Uint32Array>();

	has(number: number): boolean {
		const page = this.pages.get(Math.floor(number / pageSize));
		return page !== undefined && ((page[wordOf(number)] ?? 0) & bitOf(number)) !== 0;
	}

	/** Whether it was otherwise before. */
	set(number: number, isSet: boolean): boolean {
		if (this.has(number) === isSet) return false;
		const at = Math.floor(number / pageSize);
		let page = this.pages.get(at);
		if (page === undefined) this.pages.set(at, (page = new Uint32Array(pageSize / 32)));
		page[wordOf(number)] = (page[wordOf(number)] ?? 0) ^ bitOf(number);
		return true;
	}
}

function wordOf(number: number): number {
	return (number % pageSize) >>> 5;
}

function bitOf(number: number): number {
	return 1 << (number & 31);
}
