/** What the verifier made of an object's programs, and what of them the time before. */

import {resolve} from 'node:path';

import {readRecord, writeRecord} from './records.js';

/** Numbers of one program that the verifier accepted. */
export interface Verified {
	/** Instructions in the object. */
	readonly instructions: number;
	/** Instructions that the verifier walked. */
	readonly verified: number;
	readonly states: number;
}

/** A program's numbers now and the last time; one of them undefined where there was none. */
export interface VerifiedChange {
	readonly program: string;
	readonly before: Verified | undefined;
	readonly after: Verified | undefined;
}

const kind = 'verified';

/**
 * Keeps the numbers of an object's programs, and tells those that differ from the last ones kept.
 * Programs of which `after` has nothing keep theirs, unless `whole` says that they are gone.
 */
export function compareVerified(
	object: string,
	after: Readonly<Record<string, Verified>>,
	options: {readonly whole?: boolean; readonly cache?: string} = {},
): VerifiedChange[] {
	const {whole = true, cache} = options;
	const key = resolve(object);
	const before = read(readRecord(kind, key, cache));
	const kept = whole ? after : {...before, ...after};
	writeRecord(kind, key, kept, cache);
	// The first time there is nothing to compare with.
	if (before === undefined) return [];
	const names = new Set([...Object.keys(before), ...Object.keys(kept)]);
	return [...names].flatMap(program => {
		const [old, now] = [before[program], kept[program]];
		const isSame =
			old?.instructions === now?.instructions &&
			old?.verified === now?.verified &&
			old?.states === now?.states;
		return isSame ? [] : [{program, before: old, after: now}];
	});
}

function read(record: unknown): Record<string, Verified> | undefined {
	if (typeof record !== 'object' || record === null) return undefined;
	const entries = Object.entries(record).filter((entry): entry is [string, Verified] => {
		const value: unknown = entry[1];
		if (typeof value !== 'object' || value === null) return false;
		const {instructions, verified, states} = value as Partial<Verified>;
		return [instructions, verified, states].every(number => typeof number === 'number');
	});
	return Object.fromEntries(entries);
}
