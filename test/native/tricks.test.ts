import test from 'ava';
import type {Command} from '../../src/uapi/commands.js';
import {kernelTest} from '../helpers/kernel.js';
import {
	addon,
	attrOf,
	call,
	detach,
	guarded,
	makeMap,
	makeProgram,
	resizable,
	u32,
} from './support.js';

const kernel = kernelTest({feature: 'maps and bpf(2)', since: '5.15'});

const element = (fd: number) => attrOf(32, {0: fd});

const truncated = test.macro({
	exec(t, name: Command, attr: Uint8Array, pointer: number) {
		const attempt = () => call(name, attr, [pointer, new Uint8Array(0)]);
		const error = t.throws(attempt, {instanceOf: RangeError});
		t.regex(error.message, /0 bytes, the kernel uses \d+$/);
	},
	title: (_, name) => `${name} reads a length that attr cuts off as the kernel does`,
});

kernel(truncated, 'prog_query', attrOf(28, {24: 255}).subarray(0, 25), 16);
kernel(truncated, 'btf_load', attrOf(24, {20: 300}).subarray(0, 22), 8);

kernel('a test run writes no output where the caller gives its length as 0', t => {
	const program = makeProgram(t);
	const data = new Uint8Array(64).fill(9);
	const out = guarded(0);

	const attr = attrOf(80, {0: program, 8: 64, 12: 0});
	const result = call('prog_test_run', attr, [16, data, 24, out.bytes]);

	t.is(result, 0);
	t.is(u32(attr, 4), 2);
	t.true(out.intact());
	t.is(u32(attr, 12), 64);

	const longer = guarded(200);
	call('prog_test_run', attrOf(80, {0: program, 8: 64, 12: 0}), [16, data, 24, longer.bytes]);
	t.true(longer.bytes.every(byte => byte === 0));
});

kernel('a test run fills its output up to the length given', t => {
	const program = makeProgram(t);
	const out = guarded(20);

	const attr = attrOf(80, {0: program, 8: 64, 12: 20});
	const result = call('prog_test_run', attr, [16, new Uint8Array(64).fill(9), 24, out.bytes]);

	t.is(result, -28);
	t.true(out.bytes.every(byte => byte === 9));
	t.true(out.intact());
});

kernel('a test run wants a program that was opened here', t => {
	const map = makeMap(t);
	const error = t.throws(() => call('prog_test_run', attrOf(80, {0: map})));
	t.regex(error.message, /is not a program opened here$/);
});

const filled = test.macro({
	exec(t, name: Command, size: number, offset: number) {
		const attr = attrOf(size, {[offset]: 0x1000});
		const error = t.throws(() => call(name, attr), {instanceOf: RangeError});
		t.regex(error.message, new RegExp(`pointer at ${offset} is not (zero|wrapped)$`));
	},
	title: (_, name, __, offset) => `${name} refuses an address in attr at ${offset}`,
});

for (const [name, size, offsets] of [
	['map_lookup_elem', 32, [8, 16]],
	['map_update_batch', 56, [16, 24]],
	['prog_load', 144, [8, 16, 32, 80, 96, 120, 128]],
	['prog_test_run', 80, [16, 24, 48, 56]],
	['prog_query', 64, [16, 32, 40, 48]],
	['obj_get', 16, [0]],
	['btf_load', 28, [0, 8]],
	['task_fd_query', 48, [16]],
] as const) {
	for (const offset of offsets) kernel(filled, name, size, offset);
}

const linkOptions = test.macro({
	exec(t, attachType: number) {
		const attr = attrOf(32, {8: attachType});
		const error = t.throws(() => call('link_create', attr), {instanceOf: RangeError});
		t.regex(error.message, /are not wrapped$/);
	},
	title: (_, attachType) => `link options of attach type ${attachType} are refused`,
});

// Attach types that are yet unknown may point to more.
for (const attachType of [58, 1000]) kernel(linkOptions, attachType);

const filledOptions = test.macro({
	exec(t, attachType: number, offset: number) {
		const attr = attrOf(64, {8: attachType, [offset]: 0x1000});
		const error = t.throws(() => call('link_create', attr), {instanceOf: RangeError});
		t.regex(error.message, new RegExp(`pointer at ${offset} is not (zero|wrapped)$`));
	},
	title: (_, attachType, offset) =>
		`a link of attach type ${attachType} refuses an address at ${offset}`,
});

// Iterators, and probes of many functions or places.
for (const [attachType, offsets] of [
	[28, [16]],
	[42, [24, 32, 40]],
	[56, [24, 32, 40]],
	[48, [16, 24, 32, 40]],
	[57, [16, 24, 32, 40]],
] as const) {
	for (const offset of offsets) kernel(filledOptions, attachType, offset);
}

kernel('options of a link are measured by their count', t => {
	const attr = attrOf(64, {8: 42, 20: 3});
	const error = t.throws(() => call('link_create', attr, [32, new Uint8Array(23)]), {
		instanceOf: RangeError,
	});
	t.regex(error.message, /pointer at 32: 23 bytes, the kernel uses 24$/);
});

kernel('a field of another attach type is no pointer', t => {
	const attr = attrOf(64, {8: 45});
	const error = t.throws(() => call('link_create', attr, [32, new Uint8Array(64)]), {
		instanceOf: RangeError,
	});
	t.regex(error.message, /pointer at 32 is not a pointer field$/);
});

kernel('a perf event has an attr of a length that the kernel had', t => {
	for (const length of [0, 63, 257]) {
		const open = () => addon.perfEventOpen(new Uint8Array(length), '', -1, 0);
		t.throws(open, {instanceOf: RangeError}, String(length));
	}

	t.throws(() => addon.socketProgram(0, 2, 0), {instanceOf: RangeError});
});

const accessors = test.macro({
	exec(t, take: 'transfer' | 'shrink', victim: 'key' | 'attr' | 'value') {
		const fd = makeMap(t, {value: 4096});
		addon.mapUpdate(fd, new Uint8Array(8), new Uint8Array(4096).fill(5), 0);
		const buffers = {key: resizable(8), value: resizable(4096), attr: resizable(32)};
		new DataView(buffers.attr.bytes.buffer).setUint32(0, fd, true);
		const list: (number | Uint8Array)[] = [8, buffers.key.bytes, 16, buffers.value.bytes];
		Object.defineProperty(list, 2, {
			get() {
				if (take === 'transfer') detach(buffers[victim].bytes);
				else buffers[victim].shrink(0);
				return 16;
			},
		});

		const attempt = () => call('map_lookup_elem', buffers.attr.bytes, list);

		t.throws(attempt, {instanceOf: RangeError});
	},
	title: (_, take, victim) =>
		`an accessor in the list that takes ${victim} away by ${take} leaves nothing to write to`,
});

for (const take of ['transfer', 'shrink'] as const) {
	for (const victim of ['key', 'attr', 'value'] as const) kernel(accessors, take, victim);
}

kernel('an accessor in the list that throws passes its error on', t => {
	const fd = makeMap(t);
	const own = new Error('own');
	const list = [8, new Uint8Array(8)];
	Object.defineProperty(list, 1, {
		get() {
			throw own;
		},
	});
	t.is(
		t.throws(() => call('map_lookup_elem', element(fd), list)),
		own,
	);
	t.is(
		t.throws(() => addon.bpfAsync(1, element(fd), list) as unknown),
		own,
	);
	t.is(
		t.throws(() => addon.objectInfo(fd, new Uint8Array(88), list)),
		own,
	);
});

const detached = test.macro({
	exec(t, run: (fd: number, gone: Uint8Array) => unknown) {
		const fd = makeMap(t);
		const gone = new Uint8Array(64);
		detach(gone);
		t.throws(() => run(fd, gone), {instanceOf: RangeError});
	},
	title: title => `a detached ${title ?? ''} has no bytes`,
});

const [key, value] = [new Uint8Array(8), new Uint8Array(24)];
kernel('key', detached, (fd, gone) => addon.mapLookup(fd, gone, value, 0));
kernel('value', detached, (fd, gone) => addon.mapLookup(fd, key, gone, 0));
kernel('next key', detached, (fd, gone) => addon.mapNextKey(fd, null, gone));
kernel('buffer of bpf', detached, (fd, gone) => call('map_lookup_elem', element(fd), [16, gone]));
kernel('buffer of bpfAsync', detached, (fd, gone) => {
	const started: unknown = addon.bpfAsync(1, element(fd), [16, gone]);
	return started !== undefined;
});
