import test, {type ExecutionContext} from 'ava';
import type {Command} from '../../src/uapi/commands.js';
import type {MapType} from '../../src/uapi/map-types.js';
import {kernelTest} from '../helpers/kernel.js';
import {
	addon,
	attrOf,
	call,
	guarded,
	makeMap,
	makeProgram,
	requiredBytes,
	type MapSizes,
} from './support.js';

const kernel = kernelTest({feature: 'maps and bpf(2)', since: '5.15'});

/** A call with one buffer that is a byte too short; the others are long enough. */
interface Short {
	readonly command: Command;
	readonly attr: (fd: number) => Uint8Array;
	/** Pointer fields and the bytes that the kernel uses there. */
	readonly pointers: Readonly<Record<number, number>>;
	/** The pointer under test. */
	readonly at: number;
	readonly open?: (t: ExecutionContext) => number;
}

const element = (fd: number) => attrOf(32, {0: fd});
const batch = (count: number) => (fd: number) => attrOf(56, {32: count, 36: fd});

const refusesShort = test.macro({
	exec(t, {command, attr, pointers, at, open = makeMap}: Short) {
		const fd = open(t);
		const list = Object.entries(pointers).flatMap(([offset, size]) => [
			Number(offset),
			new Uint8Array(Number(offset) === at ? size - 1 : size),
		]);

		const error = t.throws(() => call(command, attr(fd), list), {instanceOf: RangeError});

		const required = pointers[at] ?? 0;
		t.regex(
			error.message,
			new RegExp(`pointer at ${at}: ${required - 1} bytes, the kernel uses ${required}$`),
		);
	},
	title: (_, {command, pointers, at}: Short) =>
		`${command} refuses ${(pointers[at] ?? 0) - 1} bytes at offset ${at}`,
});

const elementPointers = {8: 8, 16: 24};
const batchPointers = {0: 8, 8: 8, 16: 5 * 8, 24: 5 * 24};
const elementCommands = {
	map_lookup_elem: elementPointers,
	map_update_elem: elementPointers,
	map_delete_elem: {8: 8},
	map_get_next_key: {8: 8, 16: 8},
	map_lookup_and_delete_elem: elementPointers,
} as const;
const batchCommands = {
	map_lookup_batch: batchPointers,
	map_lookup_and_delete_batch: batchPointers,
	map_update_batch: {16: 5 * 8, 24: 5 * 24},
	map_delete_batch: {16: 5 * 8},
} as const;

function eachPointer(
	commands: Readonly<Partial<Record<Command, Readonly<Record<number, number>>>>>,
	attr: Short['attr'],
	open?: Short['open'],
): void {
	const entries = Object.entries(commands) as [Command, Short['pointers']][];
	for (const [command, pointers] of entries) {
		for (const at of Object.keys(pointers)) {
			const short = {command, attr, pointers, at: Number(at)};
			kernel(refusesShort, open === undefined ? short : {...short, open});
		}
	}
}

eachPointer(elementCommands, element);
eachPointer(batchCommands, batch(5));
eachPointer(
	{prog_load: {8: 16, 32: 100, 80: 24, 96: 64}},
	() => attrOf(144, {4: 2, 28: 100, 76: 8, 88: 3, 92: 16, 104: 4}),
	() => 0,
);
eachPointer(
	{prog_test_run: {16: 14, 24: 20, 48: 30, 56: 40}},
	fd => attrOf(80, {0: fd, 8: 14, 12: 20, 40: 30, 44: 40}),
	makeProgram,
);
eachPointer(
	{prog_query: {16: 28, 32: 28, 40: 28, 48: 28}},
	() => attrOf(64, {24: 7}),
	() => 0,
);
eachPointer(
	{btf_load: {0: 9, 8: 11}},
	() => attrOf(40, {16: 9, 20: 11}),
	() => 0,
);
eachPointer(
	{task_fd_query: {16: 13}},
	() => attrOf(48, {12: 13}),
	() => 0,
);

const cursorOfShortKeys = {0: 4, 8: 4, 16: 5 * 2, 24: 5 * 24};
const shortKeys: Short['open'] = t => makeMap(t, {key: 2});
for (const at of [0, 8]) {
	const pointers = cursorOfShortKeys;
	kernel(refusesShort, {
		command: 'map_lookup_batch',
		attr: batch(5),
		pointers,
		at,
		open: shortKeys,
	});
}

const unterminated = test.macro({
	exec(t, name: Command, offset: number, size: number) {
		const text = new Uint8Array(10).fill(97);
		const attempt = () => call(name, attrOf(size), [offset, text]);
		const error = t.throws(attempt, {instanceOf: RangeError});
		t.regex(error.message, /expected a NUL-terminated string$/);
	},
	title: (_, name) => `${name} refuses a string without NUL`,
});

kernel(unterminated, 'obj_pin', 0, 16);
kernel(unterminated, 'obj_get', 0, 16);
kernel(unterminated, 'raw_tracepoint_open', 0, 16);
kernel(unterminated, 'prog_load', 16, 144);

const cpus = addon.possibleCpus();

const usesBytes = test.macro({
	exec(t, sizes: MapSizes & {type: MapType}, wanted: number) {
		const inner = /^(array|hash)_of_maps$/.test(sizes.type) ? {innerFd: makeMap(t)} : {};
		const fd = makeMap(t, {...sizes, ...inner});
		const key = new Uint8Array(sizes.key ?? 8);
		const none = new Uint8Array(0);

		t.is(
			requiredBytes(() => addon.mapLookup(fd, key, none, 0)),
			wanted,
		);
		t.is(
			requiredBytes(() => addon.mapUpdate(fd, key, none, 0)),
			wanted,
		);
		t.is(
			call('map_lookup_batch', attrOf(56, {32: 0, 36: fd}), [24, none]) <= 0,
			true,
			'nothing is used of no elements',
		);
		const two = attrOf(56, {32: 2, 36: fd});
		const keys = new Uint8Array(2 * Math.max(key.length, 4));
		const attempt = () => call('map_lookup_batch', two, [8, keys, 16, keys, 24, none]);
		t.is(requiredBytes(attempt), 2 * wanted);
	},
	title: (_, {type, value}: MapSizes, wanted: number) =>
		`a ${type} map with values of ${value} bytes exchanges ${wanted}`,
});

kernel(usesBytes, {type: 'hash', value: 24}, 24);
kernel(usesBytes, {type: 'array', key: 4, value: 13}, 13);
kernel(usesBytes, {type: 'percpu_hash', value: 13}, 16 * cpus);
kernel(usesBytes, {type: 'percpu_array', key: 4, value: 4}, 8 * cpus);
kernel(usesBytes, {type: 'lru_percpu_hash', value: 24}, 24 * cpus);
// Neither per CPU nor of descriptors: the kernel copies whole stacks.
kernel(usesBytes, {type: 'stack_trace', key: 4, value: 127 * 8}, 127 * 8);
kernel(usesBytes, {type: 'prog_array', key: 4, value: 4}, 4);
kernel(usesBytes, {type: 'perf_event_array', key: 4, value: 4}, 4);
kernel(usesBytes, {type: 'cgroup_array', key: 4, value: 4}, 4);
kernel(usesBytes, {type: 'array_of_maps', key: 4, value: 4}, 4);
kernel(usesBytes, {type: 'hash_of_maps', key: 8, value: 4}, 4);
kernel(usesBytes, {type: 'devmap', key: 4, value: 8}, 8);
kernel(usesBytes, {type: 'sockhash', key: 8, value: 8}, 8);
kernel(usesBytes, {type: 'lpm_trie', key: 8, value: 40, flags: 1}, 40);

const staysInside = test.macro({
	exec(t, sizes: MapSizes & {type: MapType}, shared: boolean) {
		const fd = makeMap(t, sizes);
		const {key: keySize = 8, value = 24, type} = sizes;
		const size = type.includes('percpu') ? Math.ceil(value / 8) * 8 * cpus : value;
		const [key, written] = [guarded(keySize, shared), guarded(size, shared)];
		const [read, next] = [guarded(size, shared), guarded(keySize, shared)];
		written.bytes.fill(7);

		t.is(addon.mapUpdate(fd, key.bytes, written.bytes, 0), 0);
		t.is(addon.mapLookup(fd, key.bytes, read.bytes, 0), 0);
		t.is(addon.mapNextKey(fd, null, next.bytes), 0);

		t.is(read.bytes[0], 7);
		t.is(read.bytes[value - 1], 7);
		const used = guarded(4 * size, shared);
		const [keys, cursor] = [
			guarded(4 * keySize, shared),
			guarded(Math.max(4, keySize), shared),
		];
		const attr = attrOf(56, {32: 4, 36: fd});
		call('map_lookup_batch', attr, [8, cursor.bytes, 16, keys.bytes, 24, used.bytes]);
		t.true([key, written, read, next, used, keys, cursor].every(({intact}) => intact()));
	},
	title: (_, {type}: MapSizes, shared: boolean) =>
		`the kernel writes to the bytes of a ${type} map and not beside them${shared ? ', in shared memory' : ''}`,
});

for (const shared of [false, true]) {
	kernel(staysInside, {type: 'hash'}, shared);
	kernel(staysInside, {type: 'percpu_hash', value: 13}, shared);
	kernel(staysInside, {type: 'percpu_array', key: 4, value: 3, entries: 4}, shared);
	kernel(staysInside, {type: 'array', key: 4, value: 5, entries: 4}, shared);
}

kernel('a batch of more bytes than 64 bits count is refused', t => {
	const fd = makeMap(t, {type: 'array', key: 4, value: 2 ** 20, entries: 2});
	const attr = attrOf(56, {32: 2 ** 32 - 1, 36: fd});

	const attempt = () => call('map_lookup_batch', attr, [24, new Uint8Array(8)]);

	const error = t.throws(attempt, {instanceOf: RangeError});
	t.regex(error.message, new RegExp(`the kernel uses ${(2 ** 32 - 1) * 2 ** 20}$`));
});

kernel('no address stands in attr or info after a call, failed or not', t => {
	const [key, value] = [new Uint8Array(8), new Uint8Array(24)];
	const fd = makeMap(t);
	const program = makeProgram(t);
	const attrs = [
		[element(fd), 'map_lookup_elem', [8, key, 16, value], [8, 16]],
		[batch(1)(fd), 'map_lookup_batch', [8, key, 16, key, 24, value], [0, 8, 16, 24]],
		[
			attrOf(80, {0: program, 8: 64, 12: 64}),
			'prog_test_run',
			[16, new Uint8Array(64), 24, new Uint8Array(64)],
			[16, 24, 48, 56],
		],
		[attrOf(144, {4: 1}), 'prog_load', [8, new Uint8Array(8), 16, Uint8Array.of(0)], [8, 16]],
	] as const;
	for (const [attr, name, pointers, fields] of attrs) {
		call(name, attr, pointers);
		const view = new DataView(attr.buffer);
		for (const offset of fields) t.is(view.getBigUint64(offset, true), 0n, name);
	}

	const info = new Uint8Array(232);
	t.true(addon.objectInfo(program, info, [32, new Uint8Array(64), 56, new Uint8Array(4)]) > 0);
	const view = new DataView(info.buffer);
	t.is(view.getBigUint64(32, true), 1n);
	t.true(view.getBigUint64(56, true) <= 1n);
	t.is(view.getBigUint64(24, true), 0n);
});

kernel('info arrays are filled up to their length and not beside', t => {
	const program = makeProgram(t);
	const out = guarded(9);

	t.true(addon.objectInfo(program, new Uint8Array(232), [32, out.bytes]) > 0);

	t.true(out.intact());
	t.true(out.bytes.subarray(0, 8).some(byte => byte !== 0));
});

const infoArrays = test.macro({
	exec(t, size: number, offset: number) {
		const program = makeProgram(t);
		const attempt = () =>
			addon.objectInfo(program, new Uint8Array(size), [offset, new Uint8Array(64)]);
		const error = t.throws(attempt, {instanceOf: RangeError});
		t.is(error.message, `info: no array at ${offset}`);
	},
	title: (_, size, offset) => `no array at ${offset} of an info of ${size} bytes`,
});

kernel(infoArrays, 232, 0);
kernel(infoArrays, 232, 33);
kernel(infoArrays, 32, 32);
kernel(infoArrays, 56, 56);
kernel(infoArrays, 144, 136);
kernel(infoArrays, 0, 24);

kernel('the arrays of a map, of which there are none, are refused', t => {
	const fd = makeMap(t);
	const attempt = () => addon.objectInfo(fd, new Uint8Array(104), [88, new Uint8Array(64)]);
	t.throws(attempt, {instanceOf: RangeError, message: 'info: no array at 88'});
});
