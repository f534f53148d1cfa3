import test from 'ava';
import {UsageError} from '../../src/base/errors.js';
import {renameMap, resizeVariable} from '../../src/spec/change.js';
import {parseObject} from '../../src/spec/read.js';
import type {CollectionSpec} from '../../src/spec/types.js';
import {object, objectOf} from './corpus.js';

const maps = async (): Promise<CollectionSpec> =>
	parseObject(await object('conventions', [], 'kernel'));

test('a renamed map has its new name everywhere', async t => {
	const spec = await maps();
	const renamed = renameMap(spec, 'shared', 'a_name_longer_than_fifteen');
	t.is(spec.maps['shared']?.name, 'shared');
	t.is(renamed.maps['shared'], undefined);
	t.is(renamed.maps['a_name_longer_than_fifteen']?.name, 'a_name_longer_t');
	t.deepEqual(
		renamed.programs['entry']?.references.map(({map}) => map),
		['a_name_longer_than_fifteen', 'calls'],
	);
	t.deepEqual(Object.keys(renamed.maps).length, Object.keys(spec.maps).length);
	const section = renameMap(spec, '.rodata.config', '.rodata.mine');
	t.is(section.variables['__config_verdict']?.map, '.rodata.mine');
	section.variables['__config_verdict']?.set(9);
	t.deepEqual([...(section.maps['.rodata.mine']?.contents ?? [])], [9, 0, 0, 0]);
	t.is(spec.variables['__config_verdict']?.get(), 1);
});

test('a renamed inner map stays in its slot', async t => {
	const spec = parseObject(await object('legacy', [], 'kernel'));
	const renamed = renameMap(spec, 'inner', 'other');
	t.deepEqual([...(renamed.maps['outer']?.slots ?? [])], [[1, 'other']]);
	t.deepEqual([...(renamed.maps['calls']?.slots ?? [])], [[2, 'second']]);
});

test('a name that is not there or taken is refused', async t => {
	const spec = await maps();
	t.throws(() => renameMap(spec, 'share', 'x'), {
		instanceOf: UsageError,
		message: 'rename map "share": the object has no such map; did you mean "shared"?',
	});
	t.throws(() => renameMap(spec, 'shared', 'calls'), {
		message: 'rename map "shared": there is a map "calls" already',
	});
	t.throws(() => renameMap(spec, 'shared', 'a/b'), {
		message: 'rename map "shared": "a/b" is no name for a pin',
	});
});

const arrays = async (): Promise<CollectionSpec> =>
	parseObject(
		await objectOf(`
			struct pair { __u32 a, b; };
			int first SEC(".data.sized") = 5;
			struct pair last[2] SEC(".data.sized") = {{1, 2}, {3, 4}};
			struct pair elsewhere[2];
			SEC("xdp") int entry(void *ctx) { return first + last[1].b + elsewhere[0].a; }
		`),
	);

test('an array at the end of its section has any length', async t => {
	const spec = await arrays();
	const longer = resizeVariable(spec, 'last', 4);
	t.deepEqual(spec.variables['last']?.get(), [
		{a: 1, b: 2},
		{a: 3, b: 4},
	]);
	t.deepEqual(longer.variables['last']?.get(), [
		{a: 1, b: 2},
		{a: 3, b: 4},
		{a: 0, b: 0},
		{a: 0, b: 0},
	]);
	t.is(longer.variables['first']?.get(), 5);
	const map = longer.maps['.data.sized'];
	t.is(map?.valueSize, 36);
	t.is(map?.contents?.length, 36);
	t.is(longer.types?.sizeOf(map?.valueTypeId ?? 0), 36);
	t.is(longer.programs['entry']?.types, longer.types);
	longer.variables['last']?.set([1, 2, 3, 4].map(a => ({a, b: 0})));
	t.is(map?.contents?.[28], 4);
	t.deepEqual(resizeVariable(longer, 'last', 1).variables['last']?.get(), [{a: 1, b: 0}]);
});

test('types that were there keep their ids and strings', async t => {
	const spec = await arrays();
	const longer = resizeVariable(spec, 'last', 3);
	if (spec.types === undefined || longer.types === undefined) throw new Error('no types');
	t.is(longer.types.typeCount, spec.types.typeCount + 1);
	t.is(longer.types.stringEnd, spec.types.stringEnd);
	for (let id = 1; id < spec.types.typeCount; id++) {
		const was = spec.types.type(id);
		if (was.name === 'last' || was.name === '.data.sized') continue;
		t.deepEqual(longer.types.type(id), was);
	}
});

test('what cannot have another length is refused', async t => {
	const spec = await arrays();
	const refuse = (name: string, length: number, detail: string): void => {
		t.throws(() => resizeVariable(spec, name, length), {
			instanceOf: UsageError,
			message: `resize variable "${name}": ${detail}`,
		});
	};
	refuse('first', 2, 'it is no array');
	refuse('las', 2, 'the object has no such variable; did you mean "last"?');
	refuse('last', 0, '0 is no number of elements');
	refuse('last', 1.5, '1.5 is no number of elements');
	refuse('last', 2 ** 28, "2147483652 bytes are more than a map's value can have");
	const other = parseObject(
		await objectOf(`
			int before[2] = {1, 2};
			int after = 3;
			SEC("xdp") int entry(void *ctx) { return before[0] + after; }
		`),
	);
	const [first] = Object.values(other.variables).sort((a, b) => a.offset - b.offset);
	if (first?.name !== 'before') return;
	t.throws(() => resizeVariable(other, 'before', 3), {
		message: 'resize variable "before": it is not the last variable of ".data"',
	});
});
