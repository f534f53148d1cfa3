import test from 'ava';
import {exit, mov} from '../../../src/format/asm/build.js';
import {decodeInstructions} from '../../../src/format/asm/codec.js';
import {BtfError} from '../../../src/format/btf/btf-error.js';
import type {Btf} from '../../../src/format/btf/btf.js';
import {poisonCall} from '../../../src/format/log/failed-relocation.js';
import {Candidates} from '../../../src/spec/core-relo/candidates.js';
import {CoreRelocationError} from '../../../src/spec/core-relo/core-error.js';
import {relocateProgram} from '../../../src/spec/core-relo/relocate.js';
import {Types} from '../../format/btf/types.js';
import {
	type Asked,
	candidatesIn,
	type Declare,
	declareLocal,
	declareTarget,
	programOf,
	recordOf,
} from './support.js';

/** A struct `s` of members of 4 bytes, at these offsets. */
const at =
	(members: Readonly<Record<string, number>>): Declare =>
	types =>
		types.struct(
			's',
			64,
			Object.entries(members).map(([name, offset]) => [name, types.u32, offset] as const),
		);

const local = declareLocal(at({a: 0, b: 4}), ['0:0', '0:1', '0', '0:7', 'x', '0:0:0']);

/** The immediates of `mov` instructions, each relocated by one of `asked`. */
function immediates(candidates: Candidates, ...asked: readonly (readonly [Asked, number])[]) {
	const records = asked.map(([each], slot) => recordOf(local, each, slot));
	const moves = asked.map(([, value]) => mov('r1', value));
	const program = programOf(local, [...moves, exit()], records);
	const {instructions, failures} = relocateProgram(program, candidates);
	const numbers = decodeInstructions(instructions, true).map(({imm}) => imm);
	return {numbers: numbers.slice(0, -1), failures};
}

const first: Asked = ['field_byte_offset', '0:0'];
const other: Asked = ['field_byte_offset', '0:1'];
const exists: Asked = ['field_exists', '0:1'];

test('candidates that agree are one', t => {
	const target = declareTarget(at({a: 8, b: 12}), at({a: 8, c: 40}));
	t.deepEqual(immediates(candidatesIn(target), [first, 0]).numbers, [8]);
});

test('what one program rules out stays possible for the next', t => {
	const candidates = candidatesIn(declareTarget(at({a: 8, b: 12}), at({a: 16, c: 40})));
	for (let i = 0; i < 2; i++) {
		t.deepEqual(immediates(candidates, [other, 4], [first, 0]).numbers, [12, 8]);
		t.throws(() => immediates(candidates, [first, 0]), {instanceOf: CoreRelocationError});
	}
});

test('candidates that differ are ambiguous', t => {
	const target = declareTarget(at({a: 8}), at({a: 16}));
	const error = t.throws(() => immediates(candidatesIn(target), [first, 0]), {
		instanceOf: CoreRelocationError,
	});
	t.is(
		error.message,
		'relocate program "test": instruction 0 field_byte_offset of struct s.a (0:0): ambiguous: struct s (type 5 of vmlinux): gives 8 at bit 64; struct s (type 6 of vmlinux): gives 16 at bit 128',
	);
	t.is(error.program, 'test');
	t.is(error.slot, 0);
	t.like(error.subject, {relocation: 'field_byte_offset', type: 'struct s', field: 'a'});
	t.is(error.candidates?.length, 2);
});

test('fields at different places are ambiguous, though they have one size', t => {
	const target = declareTarget(at({a: 8}), at({a: 16}));
	t.throws(() => immediates(candidatesIn(target), [['field_byte_size', '0:0'], 4]), {
		code: 'ERR_CORE_RELOCATION',
		message: /ambiguous/,
	});
});

test('of several candidates the first relocation leaves those that answer it', t => {
	const target = declareTarget(at({a: 8}), at({a: 16, b: 20}));
	const candidates = candidatesIn(target);
	t.deepEqual(immediates(candidates, [exists, 1], [first, 0]).numbers, [1, 16]);
	t.deepEqual(immediates(candidates, [other, 4], [first, 0]).numbers, [20, 16]);
	// In another order there is nothing to tell them apart by.
	t.throws(() => immediates(candidates, [first, 0], [other, 4]), {message: /ambiguous/});
});

test('what no candidate answers leaves all of them', t => {
	const target = declareTarget(at({a: 8}), at({a: 8}));
	const {numbers, failures} = immediates(
		candidatesIn(target),
		[exists, 1],
		[other, 4],
		[first, 0],
	);
	t.deepEqual(numbers, [0, poisonCall, 8]);
	t.is(failures[0]?.candidates.length, 2);
	t.is(failures[0]?.slot, 1);
});

test('of many candidates some are named', t => {
	const target = declareTarget(...Array.from({length: 5}, () => at({})));
	const {failures} = immediates(candidatesIn(target), [first, 0]);
	t.regex(failures[0]?.reason ?? '', /type 7 of vmlinux\): no member "a"; and 2 more$/);
	t.is(failures[0]?.candidates.length, 5);
});

function moduleOf(base: Btf, declare: Declare): Btf {
	const types = new Types({base, littleEndian: true});
	declare(types);
	return types.parseOn(base);
}

test('modules are asked where the kernel has no such type, and only then', t => {
	const kernel = declareTarget(types => types.struct('other', 4, []));
	const module = moduleOf(kernel, at({a: 24}));
	let asked = 0;
	const modules = function* () {
		asked++;
		yield {name: 'empty', types: moduleOf(kernel, types => types.struct('else', 4, []))};
		yield {name: 'module', types: module};
	};
	const candidates = new Candidates({name: 'vmlinux', types: () => kernel, modules});
	t.deepEqual(immediates(candidates, [first, 0]).numbers, [24]);
	t.deepEqual(immediates(candidates, [['type_id_target', '0'], 0]).numbers, [
		module.find('s')?.id ?? 0,
	]);
	const {failures} = immediates(candidates, [other, 4]);
	t.is(failures[0]?.candidates[0]?.of, 'module');
	t.is(asked, 1);

	const own = new Candidates({name: 'x', types: () => declareTarget(at({a: 4})), modules});
	t.deepEqual(immediates(own, [first, 0]).numbers, [4]);
	t.is(asked, 1);
});

test('modules that cannot be read are as good as none', t => {
	const modules = function* (): Generator<never> {
		yield* [];
		throw new BtfError('damaged');
	};
	const types = declareTarget();
	const candidates = new Candidates({name: 'vmlinux', types: () => types, modules});
	t.is(immediates(candidates, [first, 0]).failures[0]?.candidates.length, 0);
});

test('the target is asked for once, and only where a relocation needs it', t => {
	let asked = 0;
	const target = declareTarget(at({a: 8}));
	const types = (): Btf => {
		asked++;
		return target;
	};
	const candidates = new Candidates({name: 'vmlinux', types});
	t.deepEqual(immediates(candidates, [['type_id_local', '0'], 77]).numbers, [local.typeId]);
	t.is(asked, 0);
	immediates(candidates, [first, 0]);
	immediates(candidates, [first, 0], [['type_exists', '0'], 1]);
	t.is(asked, 1);
});

const malformed = test.macro({
	exec(t, asked: Asked, detail: RegExp) {
		t.throws(() => immediates(candidatesIn(local.types), [asked, 0]), {
			code: 'ERR_CORE_RELOCATION',
			message: detail,
		});
	},
	title: (_, [kind, access]: Asked) => `${kind} of "${access}" is refused`,
});

test(malformed, ['field_byte_offset', '0:7'], /: struct s has no member 7$/);
test(malformed, ['field_byte_offset', '0:0:0'], /: u32 has no members$/);
test(malformed, ['field_byte_offset', 'x'], /: access "x" is none$/);
test(malformed, ['type_size', '0:0'], /: access "0:0" is not that of a type$/);
test(malformed, ['enumval_value', '0'], /: struct s is no enum$/);
test(malformed, ['field_lshift_u64', '0'], /: only members have signs and shifts$/);
