import test from 'ava';
import type {Btf} from '../../../src/format/btf/btf.js';
import {diffTypes} from '../../../src/format/btf/diff.js';
import {searchTypes} from '../../../src/format/btf/search.js';
import {fixtureTypes, Types} from './types.js';

type Member = readonly [name: string, typeId: number, offset: number];

/** Changes of `struct flow` between two lists of members, each a word. */
const changes = test.macro({
	exec(
		t,
		_: string,
		before: (types: Types) => readonly Member[],
		after: (types: Types) => readonly Member[],
		expected: readonly string[],
	) {
		const make = (members: typeof before): Btf => {
			const types = new Types();
			const list = members(types);
			types.struct('flow', 32, list);
			return types.parse();
		};
		const [change] = [...diffTypes(make(before), make(after))];
		t.deepEqual(
			(change?.parts ?? []).map(
				({how, part, after: now}) => `${how} ${part} ${now?.name ?? ''}`,
			),
			expected,
		);
	},
	title: (_, title) => `diff: ${title}`,
});

test(
	changes,
	'the same is no change',
	({u32}) => [['a', u32, 0]],
	({u32}) => [['a', u32, 0]],
	[],
);
test(
	changes,
	'a field more',
	({u32}) => [['a', u32, 0]],
	({u32}) => [
		['a', u32, 0],
		['b', u32, 4],
	],
	['added b b'],
);
test(
	changes,
	'a field less',
	({u32}) => [
		['a', u32, 0],
		['b', u32, 4],
	],
	({u32}) => [['b', u32, 4]],
	['removed a '],
);
test(
	changes,
	'a field elsewhere',
	({u32}) => [['a', u32, 0]],
	({u32}) => [['a', u32, 8]],
	['moved a a'],
);
test(
	changes,
	'a wider field',
	({u32}) => [['a', u32, 0]],
	({u64}) => [['a', u64, 0]],
	['resized a a'],
);
test(
	changes,
	'a field of another type',
	({u32}) => [['a', u32, 0]],
	types => [['a', types.int('s32', 4, true), 0]],
	['retyped a a'],
);
test(
	changes,
	'a field of another name',
	({u32}) => [['a', u32, 0]],
	({u32}) => [['z', u32, 0]],
	['renamed a z'],
);
test(
	changes,
	'fields of unnamed structs',
	types => [
		['', types.struct('', 4, [['in', types.u32, 0]]), 0],
		['b', types.struct('', 4, [['x', types.u32, 0]]), 4],
	],
	types => [
		['', types.struct('', 4, [['in', types.u16, 0]]), 0],
		['b', types.struct('', 4, [['x', types.u16, 0]]), 4],
	],
	['resized in in', 'resized b.x b.x'],
);

test('diff: types come, go and change by kind and name', t => {
	const old = new Types();
	old.struct('gone', 4, []);
	old.typedef('word', old.u32);
	old.add({
		kind: 'enum',
		name: 'colour',
		size: 4,
		signed: false,
		values: [{name: 'RED', value: 1}],
	});
	const now = new Types();
	now.struct('come', 4, []);
	now.typedef('word', now.u64);
	now.add({
		kind: 'enum',
		name: 'colour',
		size: 4,
		signed: false,
		values: [{name: 'RED', value: 2}],
	});
	const found = [...diffTypes(old.parse(), now.parse())];
	t.deepEqual(
		found.map(({how, kind, name}) => `${how} ${kind} ${name}`),
		['removed struct gone', 'changed typedef word', 'changed enum colour', 'added struct come'],
	);
	t.deepEqual(
		found[2]?.parts.map(({how, before, after}) => [how, before?.type, after?.type]),
		[['changed', '1', '2']],
	);
	const only = [...diffTypes(old.parse(), now.parse(), {name: 'word'})];
	t.deepEqual(
		only.map(({name}) => name),
		['word'],
	);
});

test('diff: of several types of one name, only those that differ are told', t => {
	const make = (size: number): Btf => {
		const types = new Types();
		types.struct('twin', 4, []);
		types.struct('twin', size, []);
		return types.parse();
	};
	t.deepEqual([...diffTypes(make(8), make(8))], []);
	const [change, ...rest] = diffTypes(make(8), make(12));
	t.deepEqual([change?.sizeBefore, change?.sizeAfter, rest.length], [8, 12, 0]);
});

test('diff: what a compiler made does not differ from itself', async t => {
	const btf = await fixtureTypes();
	t.deepEqual([...diffTypes(btf, btf)], []);
});

const search = test.macro({
	exec(t, pattern: string, expected: readonly string[]) {
		const types = new Types();
		for (const name of ['flow', 'flow_key', 'flow_value', 'a.b', 'axb'])
			types.struct(name, 0, []);
		t.deepEqual(
			[...searchTypes(types.parse(), pattern)].map(({name}) => name),
			[...expected],
		);
	},
	title: (_, pattern) => `search: ${pattern}`,
});

test(search, 'flow', ['flow']);
test(search, 'flow_*', ['flow_key', 'flow_value']);
test(search, '*_key', ['flow_key']);
test(search, 'a?b', ['a.b', 'axb']);
test(search, 'a.*', ['a.b']);
test(search, '***************z', []);
test(search, 'none', []);

test('search: types of the base are not those of what continues it', t => {
	const types = new Types();
	types.struct('flow', 0, []);
	const base = types.parse();
	const own = new Types({base});
	own.struct('flow_own', 0, []);
	const btf = own.parse();
	t.deepEqual(
		[...searchTypes(btf, 'flow*')].map(({name}) => name),
		['flow_own'],
	);
	t.deepEqual(
		[...searchTypes(btf, 'flow')].map(({name}) => name),
		[],
	);
});
