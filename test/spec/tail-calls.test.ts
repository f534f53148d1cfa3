import test from 'ava';
import {parseObject} from '../../src/spec/read.js';
import {SpecError} from '../../src/spec/spec-error.js';
import {bigEndian, object, objectOf} from './corpus.js';

for (const [order, extra] of [
	['little', []],
	['big', bigEndian],
] as const) {
	test(`a tag puts a program into its slot (${order}-endian)`, async t => {
		const {maps, programs} = parseObject(await object('conventions', extra, 'kernel'));
		const slots = [...(maps['calls']?.slots ?? [])].sort(([a], [b]) => a - b);
		t.deepEqual(slots, [
			[1, 'first'],
			[3, 'last'],
		]);
		t.is(maps['calls']?.pinning, 'replace');
		t.like(programs['first'], {type: 'sched_cls', section: 'tc/tail'});
	});
}

test('a function of another program section is linked in, and a program as well', async t => {
	const {programs} = parseObject(await object('conventions', [], 'kernel'));
	t.is(programs['last']?.functions.length, 2);
	t.is(programs['verdict']?.functions.length, 1);
	t.is(programs['last']?.functions[1]?.typeId, programs['verdict']?.functions[0]?.typeId);
});

test('a variable that configures has a short name, too', async t => {
	const {config, variables} = parseObject(await object('conventions', [], 'kernel'));
	t.deepEqual(Object.keys(config), ['verdict']);
	t.is(config['verdict'], variables['__config_verdict']);
});

const array = `struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2);
	__uint(key_size, 4); __uint(value_size, 4); } calls SEC(".maps");`;
const other = 'struct { __uint(type, 2); __uint(max_entries, 2); } other SEC(".maps");';
const tag = (text: string, name = 'entry') =>
	`__attribute__((btf_decl_tag("tail:${text}"))) SEC("xdp") int ${name}(void *ctx) { return 0; }`;

const refused = test.macro({
	async exec(t, source: string, detail: string) {
		const bytes = await objectOf(source);
		t.throws(() => parseObject(bytes), {
			instanceOf: SpecError,
			message: `read program "entry": ${detail}`,
		});
	},
	title: (_, __, detail: string) => `refused: ${detail}`,
});

test(refused, tag('calls/1'), 'it belongs into map "calls", which is not there');
test(refused, array + tag('calls/2'), 'slot 2 is outside the 2 entries of map "calls"');
test(refused, other + tag('other/1'), 'map "other" is array, no prog_array');
test(
	refused,
	array + tag('calls/1', 'before') + tag('calls/1'),
	'slot 1 of map "calls" is wanted by "before", too',
);

test('other tags mean nothing', async t => {
	const {maps} = parseObject(
		await objectOf(
			`${array} __attribute__((btf_decl_tag("calls/1"))) SEC("xdp") int entry(void *ctx) { return 0; }`,
		),
	);
	t.is(maps['calls']?.slots, undefined);
});

test('a section named by slot gets no type where the others do not agree', async t => {
	const legacy = 'int old[9] SEC("maps") = {3, 4, 4, 8, 0, 5};';
	const {programs, maps} = parseObject(
		await objectOf(`${legacy}
			SEC("5/0x3") int tail(void *ctx) { return 0; }
			SEC("6/1") int nowhere(void *ctx) { return 0; }
			SEC("xdp") int a(void *ctx) { return 0; }
			SEC("tc") int b(void *ctx) { return 0; }
		`),
	);
	t.is(programs['tail']?.type, 'unspec');
	t.is(programs['nowhere']?.type, 'unspec');
	t.deepEqual([...(maps['old']?.slots ?? [])], [[3, 'tail']]);
});
