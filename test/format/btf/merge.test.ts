import test from 'ava';
import {allIds, Btf} from '../../../src/format/btf/btf.js';
import {mergeTypes} from '../../../src/format/btf/merge.js';
import {compositesOf, placesOf} from './c/layouts.js';
import {fixtureTypes, Types} from './types.js';

/** A list of nodes that point to one another; `tail` is a struct that only some know. */
function list(tail: 'declared' | 'defined' | 'other'): Btf {
	const types = new Types();
	const pointer = types.builder.nextId;
	types.add({kind: 'ptr', name: '', typeId: pointer + 1});
	types.struct('node', 24, [
		['next', pointer, 0],
		['value', types.u32, 8],
		['tail', pointer + 2, 16],
	]);
	types.add({kind: 'ptr', name: '', typeId: pointer + 3});
	if (tail === 'declared') types.add({kind: 'fwd', name: 'tail', forwardKind: 'struct'});
	if (tail === 'defined') types.struct('tail', 4, [['x', types.u32, 0]]);
	if (tail === 'other') types.struct('tail', 8, [['y', types.u64, 0]]);
	return types.parse();
}

const merged = (...inputs: readonly Btf[]): Btf => Btf.parse(mergeTypes(inputs).bytes);

function names(btf: Btf): string[] {
	return [...allIds(btf)].map(id => `${btf.kindOf(id)} ${btf.type(id).name}`).sort();
}

test('types that go around in circles become one', t => {
	const btf = list('defined');
	t.deepEqual(names(merged(btf, list('defined'), list('defined'))), names(btf));
});

test('a declaration becomes the definition, whichever comes first', t => {
	for (const inputs of [
		[list('declared'), list('defined')],
		[list('defined'), list('declared')],
	]) {
		t.deepEqual(names(merged(...inputs)), names(list('defined')));
	}
});

test('two declarations stay one declaration', t => {
	t.deepEqual(names(merged(list('declared'), list('declared'))), names(list('declared')));
});

test('a name that means two things keeps both, and all that leads to them', t => {
	const btf = merged(list('defined'), list('other'), list('declared'));
	t.is(btf.findAll('tail').length, 3);
	t.is(btf.findAll('node').length, 3);
	t.deepEqual(
		btf.findAll('node').map(id => {
			const node = btf.type(id);
			if (node.kind !== 'struct') return undefined;
			const tail = btf.type(node.members[2]?.typeId ?? 0);
			return tail.kind === 'ptr' ? btf.type(tail.typeId).kind : undefined;
		}),
		['struct', 'struct', 'fwd'],
	);
});

test('ids say where each type went', t => {
	const inputs = [list('declared'), list('defined')];
	const {bytes, ids} = mergeTypes(inputs);
	const result = Btf.parse(bytes);
	for (const [index, input] of inputs.entries()) {
		t.is(ids[index]?.[0], 0);
		for (const id of allIds(input)) {
			t.is(result.type(ids[index]?.[id] ?? 0).name, input.type(id).name);
		}
	}
});

test('types of a compiler keep their layouts, merged with themselves and with others', async t => {
	const own = await fixtureTypes();
	const once = merged(own);
	const twice = merged(list('declared'), own, once, own);
	const sections = [...allIds(own)].filter(id => own.kindOf(id) === 'datasec').length;
	t.is(merged(own, own).typeCount, once.typeCount + sections);
	const after = compositesOf(twice);
	for (const [name, type] of compositesOf(own)) {
		const found = after.get(name);
		t.deepEqual(found && placesOf(twice, found), placesOf(own, type), name);
	}
});

test('types on a base are merged on that base', t => {
	const base = new Types().parse();
	const make = (): Btf => {
		const types = new Types({base});
		types.struct('own', 4, [['x', 1, 0]]);
		return Btf.parse(types.builder.build(), {base});
	};
	const btf = Btf.parse(mergeTypes([make(), make()]).bytes, {base});
	t.is(btf.typeCount, make().typeCount);
	t.throws(() => mergeTypes([make(), base]), {code: 'ERR_BTF', message: /continue others/});
	const other = new Types({littleEndian: !base.littleEndian}).parse();
	t.throws(() => mergeTypes([base, other]), {code: 'ERR_BTF', message: /byte orders/});
});

test('nothing merged is BTF without types', t => {
	t.is(Btf.parse(mergeTypes([]).bytes).typeCount, 1);
});
