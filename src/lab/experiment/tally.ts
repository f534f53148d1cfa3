import {keyOf, type Combination} from './parameters.js';

/** Counts what of an experiment is done, and what is left to do. */
export class Tally {
	readonly #repeat: number;
	/** The rounds in which each combination was measured. */
	readonly #rounds: ReadonlyMap<string, Set<number>>;
	readonly #failed = new Set<string>();
	/** Rounds that come before those that are counted. */
	warmUps = 0;

	constructor(combinations: readonly Combination[], repeat: number) {
		this.#repeat = repeat;
		this.#rounds = new Map(combinations.map(one => [keyOf(one), new Set()]));
	}

	measured(combination: Combination, round: number): void {
		this.#rounds.get(keyOf(combination))?.add(round);
	}

	/** Leaves this combination out from here on. */
	failed(combination: Combination): void {
		this.#failed.add(keyOf(combination));
	}

	/** Is this combination to be measured in this round? One below 0 is for warming up. */
	isWanted(combination: Combination, round: number): boolean {
		const key = keyOf(combination);
		const rounds = this.#rounds.get(key);
		if (!rounds || this.#failed.has(key)) return false;
		return round < 0 ? rounds.size < this.#repeat : !rounds.has(round);
	}

	get total(): number {
		return this.#rounds.size * this.#repeat;
	}

	/** Measurements there are, of those asked for. */
	get done(): number {
		let done = 0;
		for (const rounds of this.#rounds.values()) done += Math.min(rounds.size, this.#repeat);
		return done;
	}

	/** How often each combination is still to be called. */
	left(): Map<string, number> {
		return new Map(
			[...this.#rounds].map(([key, rounds]) => {
				const missing = this.#failed.has(key) ? 0 : this.#repeat - rounds.size;
				return [key, missing > 0 ? missing + this.warmUps : 0];
			}),
		);
	}
}
