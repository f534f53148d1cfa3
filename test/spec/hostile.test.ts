import test from 'ava';
import fc from 'fast-check';
import {isEbpfError} from '../../src/base/errors.js';
import {parseObject} from '../../src/spec/read.js';
import type {CollectionSpec} from '../../src/spec/types.js';
import {corpus} from './corpus.js';
import {timed} from '../helpers/timed.js';
import {damage, Mutator} from './mutations.js';

const runs = 6000;

test('any damage is refused, or what is read keeps every rule, in bounded time', async t => {
	const mutator = new Mutator(await corpus());
	let refused = 0;
	let longest = 0;
	fc.assert(
		fc.property(damage, damage => {
			const bytes = mutator.apply(damage);
			const {result: spec, time} = timed(100, () => read(bytes));
			longest = Math.max(longest, time);
			if (spec === undefined) refused++;
			else checkRules(spec);
		}),
		{numRuns: runs},
	);
	t.log(`${refused} of ${runs} refused, the longest took ${longest.toFixed(1)} ms`);
	t.true(refused > runs / 3 && refused < runs);
	t.true(longest < 100);
});

function read(bytes: Uint8Array): CollectionSpec | undefined {
	try {
		return parseObject(bytes);
	} catch (error) {
		if (isEbpfError(error)) return undefined;
		throw error;
	}
}

/** What whoever loads the spec relies on. */
function checkRules({maps, programs, variables}: CollectionSpec): void {
	for (const program of Object.values(programs)) {
		const {instructions, references, externs, functions, lines, name} = program;
		const slots = instructions.length / 8;
		if (!Number.isInteger(slots) || slots === 0) throw new Error(`${name}: ${slots} slots`);
		for (const {slot, map, kind, offset} of references) {
			if (slot + 2 > slots || instructions[slot * 8] !== 0x18) throw new Error(name);
			const target = maps[map];
			if (target === undefined) throw new Error(`${name}: no map ${map}`);
			if (kind === 'map-value' && offset >= target.valueSize) throw new Error(map);
		}

		for (const {slot, kind, extern} of externs) {
			if (instructions[slot * 8] !== (kind === 'call' ? 0x85 : 0x18)) throw new Error(name);
			if (slot + (kind === 'call' ? 1 : 2) > slots) throw new Error(name);
			if (extern.form === 'setting') throw new Error(extern.name);
		}

		for (const {slot} of [...functions, ...lines]) {
			if (slot >= slots) throw new Error(`${name}: information on slot ${slot}`);
		}
	}

	for (const {map, slots, contents, valueSize, maxEntries} of Object.entries(maps).map(
		([map, spec]) => ({map, ...spec}),
	)) {
		if (contents !== undefined && contents.length !== valueSize) throw new Error(map);
		for (const [index, target] of slots ?? []) {
			if (index >= maxEntries) throw new Error(`${map}: slot ${index}`);
			if (maps[target] === undefined && programs[target] === undefined) throw new Error(map);
		}
	}

	for (const {name, map, offset, size} of Object.values(variables)) {
		if (offset + size > (maps[map]?.contents?.length ?? 0)) throw new Error(name);
	}
}
