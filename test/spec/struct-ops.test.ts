import test from 'ava';
import {parseObject} from '../../src/spec/read.js';
import {SpecError} from '../../src/spec/spec-error.js';
import {copyCollectionSpec} from '../../src/spec/copy.js';
import {bigEndian, object, objectOf} from './corpus.js';

for (const [order, extra] of [
	['little', []],
	['big', bigEndian],
] as const) {
	test(`a struct of functions is a map of its own (${order}-endian)`, async t => {
		const {maps, types, programs} = parseObject(await object('struct_ops', extra, 'kernel'));
		const {registered, linked, optional} = maps;
		t.like(registered, {type: 'struct_ops', keySize: 4, maxEntries: 1, flags: 0});
		t.is(registered?.autocreate, undefined);
		t.is(linked?.flags, 0x2000);
		t.is(optional?.autocreate, false);
		const ops = linked?.structOps;
		t.like(ops, {struct: 'tcp_congestion_ops', link: true});
		t.is(types?.type(ops?.typeId ?? 0).name, 'tcp_congestion_ops');
		t.is(Buffer.from(ops?.contents ?? []).toString('latin1', 0, 9), 'skep_link');
		t.true(ops?.contents.subarray(16).every(byte => byte === 0));
		t.deepEqual([...(ops?.functions ?? [])].sort(), [
			['cong_avoid', 'cong_avoid'],
			['ssthresh', 'ssthresh'],
			['undo_cwnd', 'undo_cwnd'],
		]);
		t.like(programs['ssthresh'], {
			type: 'struct_ops',
			structOps: {struct: 'tcp_congestion_ops', member: 'ssthresh'},
		});
	});
}

test('a copy has bytes of its own', async t => {
	const spec = parseObject(await object('struct_ops', [], 'kernel'));
	const copy = copyCollectionSpec(spec);
	copy.maps['linked']?.structOps?.contents.fill(0);
	t.not(spec.maps['linked']?.structOps?.contents[0], 0);
});

const refused = test.macro({
	async exec(t, source: string, message: string) {
		const bytes = await objectOf(`
			struct ops { int (*a)(void); int (*b)(void); int number; void *data; };
			int other;
			SEC("struct_ops/a") int a(__u64 *ctx) { return other; }
			${source}
		`);
		t.throws(() => parseObject(bytes), {instanceOf: SpecError, message});
	},
	title: (_, __, message: string) => `refused: ${message}`,
});

test(
	refused,
	'int wrong SEC(".struct_ops") = 1;',
	'read map "wrong": is int, not a struct of the kernel\'s',
);
test(
	refused,
	'struct ops wrong SEC(".struct_ops") = {.data = &other};',
	'read map "wrong": byte 24 holds "other", which is no program',
);
test(
	refused,
	'struct ops wrong SEC(".struct_ops") = {.a = (void *)a, .b = (void *)a};',
	'read map "wrong": "a" is ops.b here, ops.a elsewhere',
);
