import {setImmediate} from 'node:timers/promises';

// Milliseconds that work may go on; the longest turn is this and one stretch of steps.
const longest = 5;
// Steps between two looks at the clock, which costs as much as a step.
const stretch = 32;

/** Lets long work give the event loop its turns: `if (turns.isDue()) await turns.next()` each step. */
export class Turns {
	private last = performance.now();
	private steps = 0;

	/** Has this turn lasted long enough? Asks the clock every 32 calls. */
	isDue(): boolean {
		this.steps = (this.steps + 1) % stretch;
		return this.steps === 0 && this.hasLasted();
	}

	/** The same of steps that take long: asks the clock each time. */
	hasLasted(): boolean {
		return performance.now() - this.last >= longest;
	}

	/** Resumes in a later turn. */
	async next(): Promise<void> {
		await setImmediate();
		this.restart();
	}

	/** There was a turn: something was waited for. */
	restart(): void {
		this.last = performance.now();
	}
}
