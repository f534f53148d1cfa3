import test from 'ava';
import {parseObject} from '../../src/spec/read.js';
import {SpecError} from '../../src/spec/spec-error.js';
import type {MapSpec} from '../../src/spec/types.js';
import {bigEndian, object, objectOf} from './corpus.js';

for (const [order, extra] of [
	['little', []],
	['big', bigEndian],
] as const) {
	const read = async () => parseObject(await object('legacy', extra, 'kernel'));

	test(`declarations of every length are read (${order}-endian)`, async t => {
		const {maps} = await read();
		const shape = ({type, keySize, valueSize, maxEntries, flags, pinning}: MapSpec) =>
			[type, keySize, valueSize, maxEntries, flags, pinning] as const;
		const shapes = Object.entries(maps).map(([name, map]) => [name, ...shape(map)]);
		t.deepEqual(Object.fromEntries(shapes.map(([name, ...rest]) => [name, rest])), {
			plain: ['hash', 4, 8, 16, 1, 'none'],
			oldest: ['array', 4, 4, 2, 0, 'none'],
			longer: ['array', 4, 8, 3, 0, 'none'],
			own_section: ['array', 4, 8, 4, 0, 'none'],
			calls: ['prog_array', 4, 4, 4, 0, 'none'],
			inner: ['array', 4, 8, 1, 0, 'by-name'],
			outer: ['array_of_maps', 4, 4, 2, 0, 'none'],
		});
	});

	test(`types beside a map are those of its keys and values (${order}-endian)`, async t => {
		const {maps, types} = await read();
		t.is(types?.type(maps['plain']?.keyTypeId ?? 0).name, 'key');
		t.is(types?.type(maps['plain']?.valueTypeId ?? 0).name, 'value');
		t.is(maps['longer']?.keyTypeId, 0);
	});

	test(`maps of maps and program arrays hold what ids say (${order}-endian)`, async t => {
		const {maps, programs} = await read();
		t.like(maps['outer']?.inner, {type: 'array', valueSize: 8, pinning: 'none'});
		t.deepEqual([...(maps['outer']?.slots ?? [])], [[1, 'inner']]);
		t.deepEqual([...(maps['calls']?.slots ?? [])], [[2, 'second']]);
		t.is(programs['second']?.type, 'sched_cls');
		t.deepEqual(programs['entry']?.references.map(({map}) => map).sort(), [
			'calls',
			'own_section',
			'plain',
		]);
	});
}

test('a static map is referred to by its place in the section', async t => {
	const {programs, maps} = parseObject(
		await objectOf(`
			struct def { int type, key, value, max, flags; };
			static struct def first SEC("maps") = {2, 4, 4, 1, 0}, second SEC("maps") = {2, 4, 4, 2, 0};
			SEC("xdp") int entry(void *ctx) { return !bpf_map_lookup_elem(&second, &(int){0}) + !bpf_map_lookup_elem(&first, &(int){0}); }
		`),
	);
	t.deepEqual(Object.keys(maps), ['first', 'second']);
	t.deepEqual(
		programs['entry']?.references.map(({map}) => map),
		['second', 'first'],
	);
});

test('a map without types has none', async t => {
	const bytes = await objectOf(
		'int old[5] SEC("maps") = {1, 4, 4, 1}; SEC("xdp") int entry(void *ctx) { return 0; }',
		['-g0'],
	);
	t.like(parseObject(bytes).maps['old'], {type: 'hash', keyTypeId: 0});
});

const refused = test.macro({
	async exec(t, declaration: string, detail: string) {
		const bytes = await objectOf(
			`${declaration}; SEC("xdp") int entry(void *ctx) { return 0; }`,
		);
		const error = t.throws(() => parseObject(bytes), {instanceOf: SpecError});
		t.is(error.message, `read map "wrong": ${detail}`);
		t.is(error.map, 'wrong');
	},
	title: (_, __, detail: string) => `refused: ${detail}`,
});

test(refused, 'int wrong[3] SEC("maps") = {1}', '12 bytes in "maps" are too few');
test(
	refused,
	'int wrong[6] SEC("maps") = {1, 4, 4, 1, 0, 5}',
	'byte 20 of its 24 in "maps" is not understood',
);
test(
	refused,
	'int wrong[7] SEC("maps") = {1, 4, 4, 1, 0, 5, 9}',
	'byte 20 of its 28 in "maps" is not understood',
);
test(refused, 'int wrong[9] SEC("maps") = {1, 4, 4, 1, 0, 5, 3}', 'pinning 3 is not known');
test(
	refused,
	'int wrong[9] SEC("maps") = {12, 4, 4, 1}',
	'a map of type array_of_maps needs the id of an inner map',
);
test(
	refused,
	'int wrong[9] SEC("maps") = {12, 4, 4, 1, 0, 0, 0, 3}',
	'there is no map with the id 3',
);
test(
	refused,
	'int wrong[9] SEC("maps") = {12, 4, 4, 1, 0, 0, 0, 3}; int in[9] SEC("maps") = {1, 4, 4, 1, 0, 3, 0, 0, 4}',
	'element 4 is outside its 1 entries',
);
test(
	refused,
	'int wrong[9] SEC("maps") = {12, 4, 4, 1, 0, 3, 0, 3}',
	'an inner map cannot hold maps or programs',
);
test(refused, 'int wrong[5] SEC("maps") = {22, 4, 4, 1}', 'maps of type queue have no key');

test('an inner map whose index is below zero is in no slot', async t => {
	const {maps} = parseObject(
		await objectOf(`
			int outer[9] SEC("maps") = {12, 4, 4, 1, 0, 0, 0, 3};
			int in[9] SEC("maps") = {1, 4, 4, 1, 0, 3, 0, 0, -1};
			SEC("xdp") int entry(void *ctx) { return 0; }
		`),
	);
	t.is(maps['outer']?.slots, undefined);
});
