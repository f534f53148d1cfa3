import {closeSync, openSync} from 'node:fs';
import {connect, createServer, type Server, type Socket} from 'node:net';
import {once} from 'node:events';
import test, {type ExecutionContext} from 'ava';
import {possibleCpus} from '../../../src/kernel/sys/map.js';
import {createMap, type MapDescription} from '../../../src/object/map/create-map.js';
import type {BpfMap} from '../../../src/object/map/map.js';
import {mapTypeSince, type mapTypes, type MapType} from '../../../src/uapi/map-types.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {readObject} from '../../../src/spec/read.js';
import type {MapSpec} from '../../../src/spec/types.js';
import {makeCgroup} from '../../helpers/cgroup.js';
import {compile} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const u32 = (n: number): Uint8Array => new Uint8Array(Uint32Array.of(n).buffer);
const perCpu = <T>(value: T): T[] => Array.from({length: possibleCpus()}, () => value);

const plain: MapDescription = {
	name: 'each',
	type: 'hash',
	keySize: 4,
	valueSize: 4,
	maxEntries: 4,
};

interface Row {
	readonly spec?: Partial<MapDescription>;
	readonly use?: (t: ExecutionContext, map: BpfMap) => unknown;
	/** Made by an object rather than by hand: storage maps need types. */
	readonly typed?: boolean;
}

/** What every map with keys can do; `key` and the values fit its codecs. */
const keyed =
	(key: unknown, one: unknown, two: unknown, canDelete = true) =>
	(t: ExecutionContext, map: BpfMap): void => {
		map.set(key, one);
		t.deepEqual(map.get(key), one);
		t.true(map.has(key));
		map.set(key, two, {mode: 'exist'});
		t.deepEqual(map.get(key), two);
		t.throws(
			() => {
				map.set(key, one, {mode: 'noexist'});
			},
			{code: 'ERR_KEY_EXISTS'},
		);
		if (!canDelete) return;
		t.true(map.delete(key));
		t.false(map.delete(key));
		t.is(map.get(key), undefined);
		t.throws(
			() => {
				map.set(key, one, {mode: 'exist'});
			},
			{code: 'ERR_KEY_NOT_FOUND'},
		);
	};

const keyless = (first: number) => (t: ExecutionContext, map: BpfMap) => {
	t.is(map.pop(), undefined);
	for (const n of [1, 2, 3, 4]) map.push(u32(n));
	t.throws(
		() => {
			map.push(u32(5));
		},
		{code: 'ERR_MAP_FULL'},
	);
	map.push(u32(5), {mode: 'exist'});
	t.deepEqual(map.peek(), u32(first));
	t.deepEqual(map.pop(), u32(first));
	t.throws(() => map.keys());
};

/** Two ends of a TCP connection over the loopback, IPv6 or IPv4. */
async function connected(t: ExecutionContext, host: string): Promise<number> {
	const server: Server = createServer();
	server.listen(0, host);
	await once(server, 'listening');
	const accepted = once(server, 'connection') as Promise<[Socket]>;
	const socket = connect((server.address() as {port: number}).port, host);
	await once(socket, 'connect');
	const [other] = await accepted;
	t.teardown(() => {
		socket.destroy();
		other.destroy();
		server.close();
	});
	return (socket as unknown as {_handle: {fd: number}})._handle.fd;
}

const sockets = (key: (n: number) => unknown) => async (t: ExecutionContext, map: BpfMap) => {
	for (const [n, host] of ['127.0.0.1', '::1'].entries()) {
		const fd = await connected(t, host);
		map.set(key(n), {fd});
		// The kernel's number of the socket.
		t.true((map.get(key(n)) as bigint) > 0n);
	}

	t.is([...map.keys()].length, 2);
	t.true(map.delete(key(0)));
	t.is(map.get(key(0)), undefined);
	t.throws(
		() => {
			map.set(key(0), {});
		},
		{code: 'ERR_USAGE'},
	);
};

function folderFd(t: ExecutionContext, path: string): number {
	const fd = openSync(path, 'r');
	t.teardown(() => {
		closeSync(fd);
	});
	return fd;
}

const inner = {...plain, type: 'array', maxEntries: 1} as const;

const holdsMaps = (t: ExecutionContext, map: BpfMap) => {
	using content = createMap(inner);
	const key = map.info.type === 'hash_of_maps' ? u32(2) : 2;
	map.set(key, content);
	t.is(map.get(key), content.info.id);
	t.true(map.delete(key));
	t.throws(
		() => {
			map.set(key, map);
		},
		{code: 'ERR_MAP'},
	);
};

const rows: Record<Exclude<keyof typeof mapTypes, 'unspec'>, Row> = {
	hash: {use: keyed(u32(1), u32(2), u32(3))},
	lru_hash: {spec: {maxEntries: 64}, use: keyed(u32(1), u32(2), u32(3))},
	array: {use: keyed(1, u32(2), u32(3), false)},
	percpu_hash: {use: keyed(u32(1), perCpu(u32(2)), perCpu(u32(3)))},
	lru_percpu_hash: {
		spec: {maxEntries: 64, flags: 2},
		use: keyed(u32(1), perCpu(u32(2)), perCpu(u32(3))),
	},
	percpu_array: {use: keyed(1, perCpu(u32(2)), perCpu(u32(3)), false)},
	lpm_trie: {
		spec: {keySize: 8, flags: 1},
		use: keyed(Uint8Array.of(8, 0, 0, 0, 10, 0, 0, 0), u32(2), u32(3)),
	},
	queue: {spec: {keySize: 0}, use: keyless(2)},
	stack: {spec: {keySize: 0}, use: keyless(5)},
	bloom_filter: {
		spec: {keySize: 0, extra: 3n},
		use(t, map) {
			map.push(u32(7));
			t.true(map.mayHave(u32(7)));
			t.false(map.mayHave(u32(8)));
			t.throws(() => map.peek(), {message: /gives nothing back; use mayHave$/});
			t.is(map.info.extra, 3n);
		},
	},
	prog_array: {
		async use(t, map) {
			const {programs} = await loadFixture(t, 'kernel/maps');
			map.set(1, programs['touch_maps']);
			t.is(map.get(1), programs['touch_maps']?.info().id);
			t.true(map.delete(1));
		},
	},
	perf_event_array: {
		spec: {maxEntries: 0},
		use: (t, map) => t.is(map.info.maxEntries, possibleCpus()),
	},
	stack_trace: {spec: {valueSize: 80}, use: (t, map) => t.is(map.get(u32(0)), undefined)},
	cgroup_array: {
		async use(t, map) {
			const cgroup = await makeCgroup(t);
			map.set(1, {fd: folderFd(t, cgroup.path)});
			t.true(map.delete(1));
		},
	},
	array_of_maps: {spec: {inner}, use: holdsMaps},
	hash_of_maps: {spec: {inner}, use: holdsMaps},
	devmap: {
		spec: {valueSize: 8},
		use: keyed(1, {ifindex: 1, program: 0}, {ifindex: 1, program: 0}, false),
	},
	devmap_hash: {use: keyed(u32(9), {ifindex: 1}, {ifindex: 1}, false)},
	cpumap: {
		spec: {valueSize: 8, maxEntries: possibleCpus()},
		use(t, map) {
			map.set(0, {qsize: 192});
			t.deepEqual(map.get(0), {qsize: 192, program: 0});
			t.true(map.delete(0));
			t.throws(
				() => {
					map.set(0, {qsize: -1});
				},
				{message: 'encode qsize: expected a whole number of 32 bits, got -1'},
			);
		},
	},
	xskmap: {
		use: (t, map) =>
			t.throws(
				() => {
					map.set(0, 0);
				},
				{code: 'ERR_MAP'},
			),
	},
	sockmap: {spec: {valueSize: 8}, use: sockets(n => n)},
	sockhash: {spec: {valueSize: 8}, use: sockets(u32)},
	reuseport_sockarray: {
		spec: {valueSize: 8},
		async use(t, map) {
			const fd = await connected(t, '::1');
			t.throws(
				() => {
					map.set(0, fd);
				},
				{code: 'ERR_MAP'},
			);
		},
	},
	cgroup_storage: {
		spec: {keySize: 8, maxEntries: 0},
		use: (t, map) => t.is(map.get(new Uint8Array(8)), undefined),
	},
	percpu_cgroup_storage: {
		spec: {keySize: 8, maxEntries: 0},
		use: (t, map) => t.is(map.get(new Uint8Array(8)), undefined),
	},
	sk_storage: {
		typed: true,
		async use(t, map) {
			for (const host of ['127.0.0.1', '::1']) {
				keyed(await connected(t, host), {a: 1, b: 2n}, {a: 3, b: 4n})(t, map);
			}

			t.throws(() => map.entries(), {message: /cannot list a map of type sk_storage/});
		},
	},
	inode_storage: {
		typed: true,
		use: (t, map) => {
			keyed(folderFd(t, '/tmp'), {a: 1, b: 2n}, {a: 3, b: 4n})(t, map);
		},
	},
	cgrp_storage: {
		typed: true,
		async use(t, map) {
			const cgroup = await makeCgroup(t);
			keyed(folderFd(t, cgroup.path), {a: 1, b: 2n}, {a: 3, b: 4n})(t, map);
		},
	},
	// Its keys are descriptors of processes, which Node cannot open.
	task_storage: {
		typed: true,
		use: (t, map) => t.throws(() => map.get(folderFd(t, '/tmp')), {code: 'ERR_MAP'}),
	},
	// Made together with its programs.
	struct_ops: {},
	ringbuf: {
		spec: {keySize: 0, valueSize: 0, maxEntries: 5000},
		use: (t, map) => t.is(map.info.maxEntries, 8192),
	},
	user_ringbuf: {
		spec: {keySize: 0, valueSize: 0, maxEntries: 4096},
		use: (t, map) => t.is(map.info.maxEntries, 4096),
	},
	arena: {
		spec: {keySize: 0, valueSize: 0, flags: 1 << 10, maxEntries: 2},
		use: (t, map) => t.throws(() => map.entries()),
	},
};

async function storage(type: MapType): Promise<MapSpec> {
	const object = await compile(`
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		struct value { __u32 a; __u64 b; };
		struct {
			__uint(type, BPF_MAP_TYPE_SK_STORAGE);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__type(key, int);
			__type(value, struct value);
		} storage SEC(".maps");
	`);
	const spec = (await readObject(object)).maps['storage'];
	if (spec === undefined) throw new Error('no map');
	return {...spec, type};
}

const each = test.macro({
	async exec(t, type: keyof typeof rows) {
		const {spec, use, typed} = rows[type];
		if (use === undefined) {
			t.pass();
			return;
		}

		if (typed === true) {
			const map = await storage(type);
			using collection = loadCollection({
				...(await readObject(await compile(`int x;`))),
				types: map.types,
				maps: {storage: map},
				variables: {},
			});
			await use(t, collection.map('storage'));
			return;
		}

		using map = createMap({...plain, ...spec, type});
		t.is(map.info.type, type);
		await use(t, map);
	},
	title: (_, type) => `a map of type ${type} does what the kernel lets it do`,
});

for (const type of Object.keys(rows) as (keyof typeof rows)[]) {
	const since = mapTypeSince(type) ?? '0';
	kernelTest({feature: `maps of type ${type}`, since})(each, type);
}

test('a storage map without types or with other sizes says what it needs', t => {
	const type = 'sk_storage';
	t.throws(() => createMap({...plain, type, maxEntries: 0}), {
		message: /a map of type sk_storage needs BTF types of key and value$/,
	});
});
