/** What becomes of the measurements that an earlier run left. */

import {renameSync} from 'node:fs';

import {
	changesOf,
	JournalWriter,
	readJournal,
	type Definition,
	type Journal,
	type Measurement,
} from './journal.js';
import {combinationsOf, keyOf} from './parameters.js';

/**
 * `resume` goes on with them unless they are complete or of another definition; `merge` goes on
 * with those that are of combinations still wanted, whatever else changed; `discard` begins anew.
 * What is begun anew puts the earlier journal aside, beside the new one.
 */
export type Previous = (typeof choices)[number];

const choices = ['resume', 'merge', 'discard'] as const;

export function isPrevious(value: unknown): value is Previous {
	return choices.some(choice => choice === value);
}

/** What a run begins with. */
export interface Beginning {
	readonly journal: JournalWriter;
	/** The earlier run's, except for what changed. */
	readonly definition: Definition;
	/** Of combinations that are wanted. */
	readonly measurements: readonly Measurement[];
}

export interface BeginOptions {
	readonly definition: Definition;
	readonly previous: Previous;
	readonly repeat: number;
	/** Tells the user. */
	readonly say: (text: string) => void;
}

/** Opens the journal at `path`, or a new one. */
export function begin(path: string, options: BeginOptions): Beginning {
	const {definition, previous, repeat, say} = options;
	const anew = (why?: string): Beginning => {
		if (why !== undefined) say(why);
		return {journal: JournalWriter.create(path, definition), definition, measurements: []};
	};

	let earlier: Journal | undefined;
	try {
		earlier = readJournal(path);
	} catch (error) {
		const kept = putAside(path, new Date().toISOString());
		return anew(`${(error as Error).message}: begins anew; it is kept as ${kept}`);
	}

	if (!earlier) return anew();
	const wanted = new Set(combinationsOf(definition.parameters).map(keyOf));
	const usable = earlier.measurements.filter(one => wanted.has(keyOf(one.parameters)));
	const changes = changesOf(earlier.definition, definition);
	const aside = (): string => putAside(path, earlier.definition.started);
	if (changes.length > 0 && previous === 'resume') {
		const [what, verb] = [changes.join(', '), changes.length === 1 ? 'has' : 'have'];
		return anew(
			`${what} ${verb} changed: begins anew; what was measured is kept as ${aside()}`,
		);
	}

	const counts = new Map<string, number>();
	for (const {parameters} of usable) {
		const key = keyOf(parameters);
		counts.set(key, (counts.get(key) ?? 0) + 1);
	}

	const isComplete = [...wanted].every(key => (counts.get(key) ?? 0) >= repeat);
	if (isComplete || previous === 'discard') {
		aside();
		return anew();
	}

	if (usable.length > 0) say(`goes on with ${usable.length} measurements of an earlier run`);
	if (changes.length === 0) {
		const journal = JournalWriter.open(path, earlier);
		return {journal, definition: earlier.definition, measurements: usable};
	}

	aside();
	const {order, seed} = earlier.definition;
	const merged = {...definition, order, seed};
	const journal = JournalWriter.create(path, merged);
	for (const one of usable) journal.add(one);
	return {journal, definition: merged, measurements: usable};
}

/** Beside the new one, by the time it was started; gives the path. */
function putAside(path: string, started: string): string {
	const time = started.replaceAll(/[^\dTZ]/g, '').slice(0, 24);
	const kept = path.replace(/\.ndjson$/, `.${time}.ndjson`);
	renameSync(path, kept);
	return kept;
}
