import {Worker} from 'node:worker_threads';
import test from 'ava';
import {createMap, type MapDescription} from '../../../src/object/map/create-map.js';
import type {BpfMap} from '../../../src/object/map/map.js';
import type {MapType} from '../../../src/uapi/map-types.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'batches of map elements', since: '5.6'});

function spec(type: MapType, maxEntries: number, flags = 0): MapDescription {
	return {
		name: 'scanned',
		type,
		keySize: 4,
		valueSize: 8,
		maxEntries,
		flags,
	};
}

function key(n: number): Uint8Array {
	return new Uint8Array(new Uint32Array([n]).buffer);
}

function numbers(map: BpfMap<Uint8Array, Uint8Array>): number[] {
	return [...map.keys()].map(bytes => new Uint32Array(bytes.slice().buffer)[0] ?? -1);
}

function fill(map: BpfMap<Uint8Array, Uint8Array>, count: number): void {
	map.setMany(Array.from({length: count}, (_, n) => [key(n), new Uint8Array(8)] as const));
}

kernel('every element is read once, whatever the size of the batches', t => {
	using map = createMap<Uint8Array, Uint8Array>(spec('hash', 5000));
	fill(map, 5000);
	// One element at a time is less than a bucket may hold: the buffer has to grow.
	for (const batchSize of [1, 2, 7, 4096, 100_000]) {
		const entries = map.entries({batchSize});
		t.is(new Set([...entries].map(([k]) => Buffer.from(k).toString('hex'))).size, 5000);
		t.true(entries.complete);
		t.is(entries.method, 'batch');
	}
});

kernel('forEach reads every element once and says that it did', t => {
	using map = createMap<Uint8Array, Uint8Array>(spec('hash', 5000));
	fill(map, 5000);
	for (const batchSize of [7, 4096]) {
		const seen = new Map<string, number>();
		const complete = map.forEach(
			(value, k) => seen.set(Buffer.from(k).toString('hex'), value.length),
			{batchSize},
		);
		t.true(complete);
		t.is(seen.size, 5000);
		t.deepEqual([...new Set(seen.values())], [8]);
	}
});

kernel('what the callback of forEach throws ends the scan', t => {
	using map = createMap<Uint8Array, Uint8Array>(spec('hash', 10));
	fill(map, 10);
	let calls = 0;
	const stop = new Error('enough');
	const thrown = t.throws(() => {
		map.forEach(() => {
			if (++calls === 3) throw stop;
		});
	});
	t.is(thrown, stop);
	t.is(calls, 3);
});

kernel('an empty map is complete', t => {
	using map = createMap<Uint8Array, Uint8Array>(spec('hash', 10));
	const entries = map.entries();
	t.deepEqual([...entries], []);
	t.true(entries.complete);
});

kernel('a scan that is left early is not complete', t => {
	using map = createMap<Uint8Array, Uint8Array>(spec('hash', 10));
	fill(map, 10);
	const entries = map.entries();
	t.false(entries[Symbol.iterator]().next().done);
	t.false(entries.complete);
});

kernel('the asynchronous form reads the same', async t => {
	using map = createMap<Uint8Array, Uint8Array>(spec('hash', 5000));
	fill(map, 5000);
	const entries = map.entries({batchSize: 100});
	const keys = new Set<string>();
	for await (const [k] of entries) keys.add(Buffer.from(k).toString('hex'));
	t.is(keys.size, 5000);
	t.true(entries.complete);
});

const noPrealloc = 1;
kernel('a trie is read in batches', t => {
	using map = createMap<Uint8Array, Uint8Array>({
		...spec('lpm_trie', 100, noPrealloc),
		keySize: 8,
	});
	for (let n = 0; n < 100; n++) {
		map.set(new Uint8Array([32, 0, 0, 0, 10, 0, 0, n]), new Uint8Array(8));
	}

	const entries = map.entries({batchSize: 7});
	t.is([...entries].length, 100);
	t.true(entries.complete);
});

kernel('a trie that the kernel reads anew gives each element once all the same', t => {
	using map = createMap<Uint8Array, Uint8Array>({
		...spec('lpm_trie', 200, noPrealloc),
		keySize: 8,
	});
	const prefixes = [...Array(100).keys()].flatMap(n => [
		[32, 0, 0, 0, 10, 0, n >> 3, n],
		[24 + (n & 7), 0, 0, 0, 10, 1, n >> 3, n & (0xff00 >> (n & 7))],
	]);
	for (const prefix of prefixes) map.set(Uint8Array.from(prefix), new Uint8Array(8));
	const text = (bytes: Iterable<number>): string => [...bytes].join('.');
	const read: string[] = [];
	for (const {keys, count} of map.raw.batches({batchSize: 7})) {
		for (let i = 0; i < count; i++) read.push(text(keys.subarray(i * 8, (i + 1) * 8)));
		// The kernel stands on it.
		map.delete(keys.slice((count - 1) * 8, count * 8));
	}

	t.deepEqual(read.sort(), prefixes.map(text).sort());
});

kernel('a trie that is changed faster than it is read comes to an end', t => {
	using map = createMap<Uint8Array, Uint8Array>({
		...spec('lpm_trie', 10, noPrealloc),
		keySize: 8,
	});
	const key = (n: number) => new Uint8Array([32, 0, 0, 0, 10, 0, 0, n]);
	for (let n = 0; n < 10; n++) map.set(key(n), new Uint8Array(8));
	const entries = map.entries({batchSize: 1});
	let read = 0;
	for (const [found] of entries) {
		read++;
		map.delete(found);
		const next = (found[7] ?? 0) + 1;
		if (next < 256) map.set(key(next), new Uint8Array(8));
	}

	t.true(read <= 256);
});

kernel('a map without batches is walked', t => {
	using map = createMap<number, number>({...spec('prog_array', 4), valueSize: 4});
	const entries = map.entries();
	t.deepEqual([...entries], []);
	t.true(entries.complete);
});

kernel('draining removes what it reads', t => {
	using map = createMap<Uint8Array, Uint8Array>(spec('hash', 1000));
	fill(map, 1000);
	t.is([...map.entries({drain: true, batchSize: 64})].length, 1000);
	t.deepEqual(numbers(map), []);
});

/** Deletes and inserts as fast as it can, until it is told to stop. */
const churner = `
const {parentPort, workerData} = require('node:worker_threads');
import(workerData.addon).then(({addon}) => {
	import(workerData.object).then(({objectFdById}) => {
		const fd = objectFdById('map', workerData.id);
		const key = new Uint8Array(4);
		const view = new DataView(key.buffer);
		const value = new Uint8Array(8);
		const stop = new Int32Array(workerData.stop);
		parentPort.postMessage('running');
		for (let n = 0; Atomics.load(stop, 0) === 0; n++) {
			view.setUint32(0, 10000 + (n % 5000), true);
			addon.mapUpdate(fd, key, value, 0);
			view.setUint32(0, 10000 + ((n * 7 + 2500) % 5000), true);
			addon.mapDelete(fd, key);
		}
		addon.closeFd(fd);
		parentPort.postMessage('stopped');
	});
});
`;

const churned = test.macro({
	async exec(t, type: MapType, method: 'batch' | 'walk') {
		using map = createMap<Uint8Array, Uint8Array>(spec(type, 20_000));
		fill(map, 2000);
		const stop = new SharedArrayBuffer(4);
		const source = (path: string): string =>
			new URL(`../../../src/kernel/sys/${path}`, import.meta.url).href;
		const worker = new Worker(churner, {
			eval: true,
			workerData: {
				id: map.info.id,
				stop,
				addon: source('addon.js'),
				object: source('object.js'),
			},
		});
		try {
			await new Promise((resolve, reject) => {
				worker.once('message', resolve);
				worker.once('error', reject);
			});
			for (let round = 0; round < 20; round++) {
				const entries = map.keys({batchSize: 50});
				const seen = [...entries].map(k => new Uint32Array(k.slice().buffer)[0] ?? -1);
				const stable = seen.filter(n => n < 2000);
				t.is(new Set(stable).size, stable.length, 'an element that stays came twice');
				if (!entries.complete) continue;
				t.is(stable.length, 2000, 'an element that stays was missed');
				t.is(entries.method, method);
			}
		} finally {
			Atomics.store(new Int32Array(stop), 0, 1);
			await new Promise(resolve => worker.once('exit', resolve));
		}
	},
	title: (_, type) => `a ${type} that changes meanwhile is read to its end, each element once`,
});

kernel(churned, 'hash', 'batch');
