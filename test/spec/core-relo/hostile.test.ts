import test from 'ava';
import fc from 'fast-check';
import {isEbpfError} from '../../../src/base/errors.js';
import {Btf} from '../../../src/format/btf/btf.js';
import {Candidates} from '../../../src/spec/core-relo/candidates.js';
import {relocateProgram} from '../../../src/spec/core-relo/relocate.js';
import {parseObject} from '../../../src/spec/read.js';
import type {ProgramSpec} from '../../../src/spec/types.js';
import {readFile} from 'node:fs/promises';
import {fixtureObject} from '../../helpers/compile.js';
import type {Types} from '../../format/btf/types.js';
import {answerTo, type Declare, declareLocal, declareTarget} from './support.js';

const field = fc.nat(0xffff_ffff);
const record = fc.record(
	{slot: fc.nat(120), typeId: fc.nat(60), accessOffset: fc.nat(2000), kind: fc.nat(14)},
	{requiredKeys: []},
);

/** Words of the target's types to overwrite, by where they are from 0 to 1. */
const damage = fc.array(
	fc.tuple(
		fc.double({min: 0, max: 1, noNaN: true, maxExcluded: true}),
		fc.oneof(field, fc.nat(64)),
	),
	{maxLength: 6},
);

function relocates(program: ProgramSpec, target: Uint8Array): boolean {
	try {
		const types = Btf.parse(target);
		const candidates = new Candidates({name: 'x', types: () => types});
		const {instructions, failures} = relocateProgram(program, candidates);
		if (instructions.length !== program.instructions.length) throw new Error('length');
		for (const {slot} of failures) {
			if (instructions[slot * 8] !== 0x85) throw new Error('not poisoned');
		}

		return true;
	} catch (error) {
		if (isEbpfError(error)) return false;
		throw error;
	}
}

test('damaged relocations and targets give nothing but errors of this library', async t => {
	const {programs, types} = parseObject(await readFile(await fixtureObject('core/relocations')));
	const all = Object.values(programs);
	const target = types?.bytes ?? new Uint8Array(0);
	let good = 0;
	fc.assert(
		fc.property(
			fc.nat(all.length - 1),
			fc.array(record, {maxLength: 4}),
			damage,
			(which, changes, edits) => {
				const program = all[which];
				if (program === undefined) return;
				const coreRelocations = program.coreRelocations.map((each, index) => ({
					...each,
					...changes[index],
				}));
				const bytes = Uint8Array.from(target);
				const view = new DataView(bytes.buffer);
				for (const [at, value] of edits) {
					view.setUint32(
						24 + Math.floor((at * (bytes.length - 28)) / 4) * 4,
						value,
						true,
					);
				}

				if (relocates({...program, coreRelocations}, bytes)) good++;
			},
		),
		{numRuns: 3000},
	);
	t.true(good > 200 && good < 2800, `${good} of 3000`);
});

/** Unnamed structs, each twice in the next: as a tree they have 2^depth members. */
const bushy =
	(depth: number): Declare =>
	types => {
		let id = types.struct('', 1, [['x', types.u8, 0]]);
		for (let level = 0; level < depth; level++) {
			id = types.struct('', 1, [
				['', id, 0],
				['', id, 0],
			]);
		}

		return types.struct('s', 1, [['', id, 0]]);
	};

test('unnamed members are searched once, however often they are used', t => {
	const local = declareLocal(types => types.struct('s', 4, [['y', types.u32, 0]]), ['0:0']);
	t.is(answerTo(local, ['field_exists', '0:0'], declareTarget(bushy(28))), 0n);
});

/** Functions whose parameters are functions, each twice in the next. */
const deepFunction =
	(depth: number, last: (types: Types) => number): Declare =>
	types => {
		let id = last(types);
		for (let level = 0; level < depth; level++) {
			const parameters = [id, id].map(typeId => ({name: '', typeId}));
			id = types.add({kind: 'func_proto', name: '', returnTypeId: 0, parameters});
		}

		return types.typedef('f', id);
	};

test('types are compared once, however often they are used', t => {
	const declare = deepFunction(28, types => types.u32);
	const local = declareLocal(declare, ['0']);
	t.is(answerTo(local, ['type_matches', '0'], declareTarget(declare)), 1n);
	t.is(answerTo(local, ['type_exists', '0'], declareTarget(declare)), 1n);
	const other = declareTarget(deepFunction(28, types => types.u64));
	t.is(answerTo(local, ['type_matches', '0'], other), 0n);
});

test('a function that is its own parameter is compared to an end', t => {
	const declare: Declare = types => {
		const id = types.builder.nextId;
		const parameters = [{name: '', typeId: id}];
		types.add({kind: 'func_proto', name: '', returnTypeId: 0, parameters});
		return types.typedef('f', id);
	};
	const local = declareLocal(declare, ['0']);
	t.is(answerTo(local, ['type_matches', '0'], declareTarget(declare)), 1n);
	t.is(answerTo(local, ['type_exists', '0'], declareTarget(declare)), 1n);
});

test('what starts inside of a byte and is no bit-field has no offset', t => {
	const arrayAt =
		(byte: number): Declare =>
		types =>
			types.struct('s', 16, [['a', types.array(types.u32, 2), byte]]);
	for (const [access, offset] of [
		['0:0', 4n],
		['0:0:1', 8n],
	] as const) {
		const local = declareLocal(arrayAt(0), [access]);
		const offsetIn = (byte: number) =>
			answerTo(local, ['field_byte_offset', access], declareTarget(arrayAt(byte)));
		t.is(offsetIn(4), offset);
		t.regex(String(offsetIn(0.5)), /it starts inside of a byte/);
	}
});
