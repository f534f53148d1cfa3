/** Says on standard error how far an experiment is, and how long it will take. */

import {describe, keyOf, type Combination} from './parameters.js';
import type {Tally} from './tally.js';
import {duration, fit, plain} from './text.js';

/** Where progress goes to: standard error, as a rule. */
export interface ProgressStream {
	readonly isTTY?: boolean;
	readonly columns?: number;
	/** Takes text as it is, with what steers a terminal. */
	write(text: string): unknown;
}

const width = 80;
/** Where lines stay, one is enough in this many milliseconds. */
const quiet = 2000;

/** One line that changes on a terminal; elsewhere lines of their own, at rounds' ends. */
export class Progress {
	readonly #name: string;
	readonly #stream: ProgressStream;
	readonly #clock: () => number;
	readonly #times = new Map<string, {sum: number; count: number}>();
	#lastLine: number;
	#isOpen = false;

	constructor(name: string, stream: ProgressStream, clock: () => number = () => Date.now()) {
		this.#name = name;
		this.#stream = stream;
		this.#clock = clock;
		this.#lastLine = clock();
	}

	/** What one call took, in milliseconds: what is left is estimated from it. */
	took(combination: Combination, milliseconds: number): void {
		const key = keyOf(combination);
		const time = this.#times.get(key) ?? {sum: 0, count: 0};
		time.sum += milliseconds;
		time.count++;
		this.#times.set(key, time);
	}

	/** Milliseconds that so many more calls take; undefined before anything was measured. */
	left(calls: ReadonlyMap<string, number>): number | undefined {
		if (this.#times.size === 0) return undefined;
		const means = [...this.#times.values()].map(({sum, count}) => sum / count);
		const usual = means.reduce((a, b) => a + b, 0) / means.length;
		let left = 0;
		for (const [key, count] of calls) {
			const time = this.#times.get(key);
			left += count * (time ? time.sum / time.count : usual);
		}

		return left;
	}

	/** Before a call. */
	show(tally: Tally, combination: Combination): void {
		if (this.#stream.isTTY !== true) return;
		// A terminal that does not know its width says 0.
		const columns = Math.min(this.#stream.columns || width, width);
		const line = `${this.#line(tally)}  ${describe(combination)}`;
		this.#stream.write(`\r${fit(line, columns - 1)}\u001b[K`);
		this.#isOpen = true;
	}

	/** At the end of a round. */
	round(tally: Tally): void {
		if (this.#stream.isTTY === true) return;
		const now = this.#clock();
		if (tally.done < tally.total && now - this.#lastLine < quiet) return;
		this.#lastLine = now;
		this.#stream.write(`${fit(this.#line(tally), width)}\n`);
	}

	/** A line that stays. */
	say(text: string): void {
		this.clear();
		this.#stream.write(`${plain(`${this.#name}: ${text}`)}\n`);
	}

	/** Takes the changing line away. */
	clear(): void {
		if (this.#isOpen) this.#stream.write('\r\u001b[K');
		this.#isOpen = false;
	}

	#line(tally: Tally): string {
		const {done, total} = tally;
		const share = Math.floor((done / total) * 100);
		const left = this.left(tally.left());
		const time = left === undefined || done === total ? '' : `  ${duration(left)} left`;
		return `${fit(this.#name, 30)}  ${done}/${total}  ${share}%${time}`;
	}
}
