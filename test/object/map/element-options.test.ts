import {possibleCpus} from '../../../src/kernel/sys/map.js';
import {createMap, type MapDescription} from '../../../src/object/map/create-map.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {readObject} from '../../../src/spec/read.js';
import {compile} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';

const u32 = (n: number): Uint8Array => new Uint8Array(Uint32Array.of(n).buffer);
const perCpu = <T>(value: T): T[] => Array.from({length: possibleCpus()}, () => value);

const plain: MapDescription = {
	name: 'each',
	type: 'hash',
	keySize: 4,
	valueSize: 4,
	maxEntries: 4,
};

const kernel = kernelTest({feature: 'per-CPU maps', since: '4.6'});

kernel('one value of a per-CPU map is read, and all are written at once', t => {
	using map = createMap<number, Uint8Array[]>({...plain, type: 'percpu_array', valueSize: 5});
	const values = Array.from({length: possibleCpus()}, (_, cpu) => Uint8Array.of(cpu, 1, 2, 3, 4));
	map.set(1, values);
	for (const [cpu, value] of values.entries()) t.deepEqual(map.getCpu(1, cpu), value);
	t.throws(() => map.getCpu(1, possibleCpus()), {code: 'ERR_USAGE', message: /possible CPUs$/});
	map.setEveryCpu(1, Uint8Array.of(5, 4, 3, 2, 1));
	t.deepEqual(map.get(1), perCpu(Uint8Array.of(5, 4, 3, 2, 1)));
	using other = createMap({...plain});
	t.throws(() => other.getCpu(u32(1), 0), {message: /has one value for all CPUs$/});
	t.throws(
		() => {
			other.setEveryCpu(u32(1), u32(1));
		},
		{code: 'ERR_MAP'},
	);
});

kernel('one value of a per-CPU map is written alone, or not at all', t => {
	using map = createMap<Uint8Array, Uint8Array[]>({...plain, type: 'percpu_hash'});
	map.set(u32(1), perCpu(u32(7)));
	try {
		map.setCpu(u32(1), 0, u32(9));
	} catch (error) {
		t.like(error, {code: 'ERR_UNSUPPORTED', errno: 22});
		t.deepEqual(map.get(u32(1)), perCpu(u32(7)));
		return;
	}

	t.deepEqual(map.get(u32(1)), [u32(9), ...perCpu(u32(7)).slice(1)]);
});

kernel('a miss makes nothing new, and neither does a hit that is given a buffer', t => {
	using map = createMap({...plain});
	const into = new Uint8Array(4);
	t.is(map.raw.get(u32(1), into), undefined);
	map.raw.set(u32(1), u32(77));
	t.is(map.raw.get(u32(1), into), into);
	t.deepEqual(into, u32(77));
	const own = map.raw.get(u32(1));
	map.raw.set(u32(1), u32(78));
	t.deepEqual(map.raw.get(u32(1)), u32(78));
	t.deepEqual(own, u32(77));
	t.throws(() => map.raw.get(u32(1), new Uint8Array(3)), {code: 'ERR_USAGE'});
});

kernel('a map lies on the memory node that was asked for', t => {
	using map = createMap({...plain, numaNode: 0});
	t.is(map.info.flags, 1 << 2);
});

const locks = kernelTest({feature: 'locks in values', since: '5.1'});

locks('values are read and written under their lock; such a map cannot be frozen', async t => {
	const object = await compile(`
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		struct value { struct bpf_spin_lock lock; __u32 a; __u32 b; };
		struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 4);
			__type(key, __u32);
			__type(value, struct value);
		} locked SEC(".maps");
	`);
	using collection = loadCollection(await readObject(object));
	const map = collection.map('locked');
	const value = (a: number) => ({lock: {val: 0}, a, b: a});
	map.set(1, value(1));
	map.set(1, value(2), {lock: true});
	t.deepEqual(map.get(1, {lock: true}), value(2));
	t.is(map.setMany([[1, value(3)]], {lock: true}), 1);
	t.throws(
		() => {
			map.freeze();
		},
		{
			code: 'ERR_MAP',
			message: 'freeze map "locked": its values have locks, timers or the like',
		},
	);
	using unlocked = createMap({...plain});
	t.throws(() => unlocked.get(u32(1), {lock: true}), {code: 'ERR_MAP'});
});
