import {join} from 'node:path';
import {VerifierError} from '../../../src/format/log/verifier-error.js';
import {possibleCpus} from '../../../src/kernel/sys/map.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {verifyCollection} from '../../../src/object/collection/verify-collection.js';
import {openPinnedMap} from '../../../src/object/map/open-map.js';
import {MapMismatchError} from '../../../src/object/map/map-mismatch.js';
import {createMap} from '../../../src/object/map/create-map.js';
import {withCpuScratch} from '../../../src/object/collection/cpu-scratch.js';
import {renameMap, resizeVariable} from '../../../src/spec/change.js';
import {parseObject} from '../../../src/spec/read.js';
import type {CollectionSpec, MapSpec} from '../../../src/spec/types.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';
import {bigEndian, object, objectOf} from '../../spec/corpus.js';

const kernel = kernelTest({feature: 'programs with types', since: '5.15'});

async function read(name = 'conventions'): Promise<CollectionSpec> {
	return parseObject(await object(name, [], 'kernel'), {name});
}

function changed(spec: CollectionSpec, name: string, change: Partial<MapSpec>): CollectionSpec {
	const map = spec.maps[name];
	if (map === undefined) throw new Error(name);
	return {...spec, maps: {...spec.maps, [name]: {...map, ...change}}};
}

kernel('tail calls by tag, calls between sections and constants work together', async t => {
	const pinRoot = await makeBpffs(t);
	const spec = await read();
	spec.config['verdict']?.set(2);
	using collection = loadCollection(spec, {pinRoot});
	t.is(collection.program('entry').run().returnValue, 2);
	t.is(collection.program('verdict').run().returnValue, 2);
});

kernel('each CPU has its own scratch', async t => {
	const pinRoot = await makeBpffs(t);
	const cpus = possibleCpus();
	using collection = loadCollection(await read(), {pinRoot});
	for (let run = 0; run < 3; run++) collection.program('entry').run();
	t.is(collection.variable('_aux_stride').get(), 128n);
	t.is(collection.variable('_aux_max_off').get(), 128n * BigInt(cpus - 1));
	const bytes = collection.map('.data.aux').raw.get(new Uint8Array(4));
	t.is(bytes?.length, 128 * cpus);
	const view = new DataView(bytes?.buffer ?? new ArrayBuffer(0));
	const runs = Array.from({length: cpus}, (_, cpu) => view.getBigUint64(cpu * 128, true));
	t.is(
		runs.reduce((sum, count) => sum + count, 0n),
		40n * BigInt(cpus) + 3n,
	);
});

kernel('a spec without the constants of scratch keeps its section', async t => {
	const spec = parseObject(
		await objectOf(`
			int number SEC(".data.aux") = 3;
			SEC("xdp") int entry(void *ctx) { return number; }
		`),
	);
	t.is(
		withCpuScratch(spec, () => 4),
		spec,
	);
});

kernel('maps in the old syntax and tail calls by section work', async t => {
	const pinRoot = await makeBpffs(t);
	using collection = loadCollection(await read('legacy'), {pinRoot});
	t.is(collection.program('entry').run().returnValue, 2);
	const count = (name: string) => collection.map(name).raw.get(new Uint8Array(4))?.[0];
	t.is(count('inner'), 1);
	t.is(count('own_section'), 1);
	using pinned = openPinnedMap(join(pinRoot, 'inner'));
	t.is(pinned.info.id, collection.map('inner').info.id);
});

kernel('a map that is switched off is not made, and its use refused by name', async t => {
	const off = changed(await read(), 'shared', {autocreate: false});
	const error = t.throws(() => loadCollection(off), {instanceOf: VerifierError});
	t.regex(error.message, /^load program "entry": .*: uses map "shared", which was switched off/);
	t.true(error.log.some(line => line.includes('call shared')));
	using rest = loadCollection(off, {programs: ['verdict']});
	t.is(rest.maps['shared'], undefined);
});

kernel('a map that is switched off may be named where no program comes', async t => {
	const spec = parseObject(
		await objectOf(`
			struct { __uint(type, 1); __uint(max_entries, 1); __type(key, int); __type(value, int); }
				unused SEC(".maps");
			const volatile int wanted = 0;
			SEC("xdp") int entry(void *ctx) {
				int key = 0;
				if (wanted) return bpf_map_delete_elem(&unused, &key);
				return 2;
			}
		`),
	);
	using collection = loadCollection(changed(spec, 'unused', {autocreate: false}));
	t.is(collection.program('entry').run().returnValue, 2);
	spec.variables['wanted']?.set(1);
	t.throws(() => loadCollection(changed(spec, 'unused', {autocreate: false})), {
		message: /uses map "unused", which was switched off/,
	});
});

kernel('a program that is switched off leaves its slot empty', async t => {
	const spec = changed(await read(), 'shared', {pinning: 'none'});
	const {last} = spec.programs;
	if (last === undefined) throw new Error('missing');
	const programs = {...spec.programs, last: {...last, autoload: false}};
	using collection = loadCollection({...spec, programs});
	t.is(collection.programs['last'], undefined);
	t.is(collection.program('entry').run().returnValue, 100);
});

kernel('two objects share a map, open or by its pin', async t => {
	const pinRoot = await makeBpffs(t);
	const spec = await read();
	using first = loadCollection(spec, {pinRoot});
	first.map('shared').raw.set(new Uint8Array(4), new Uint8Array(8));
	const replacements = {open: first.map('shared'), pinned: join(pinRoot, 'shared')};
	for (const shared of Object.values(replacements)) {
		using second = loadCollection(spec, {replaceMaps: {shared}});
		t.is(second.map('shared').info.id, first.map('shared').info.id);
		t.is(second.program('entry').run().returnValue, 7);
	}

	t.is(first.map('shared').info.name, 'shared');
});

kernel('a map that is not what the object declares cannot stand in for it', async t => {
	const spec = await read();
	const shared = spec.maps['shared'];
	if (shared === undefined) throw new Error('missing');
	using other = createMap({...shared, valueSize: 4, valueTypeId: 0});
	const error = t.throws(() => loadCollection(spec, {replaceMaps: {shared: other}}), {
		instanceOf: MapMismatchError,
	});
	t.is(
		error.message,
		'reuse map "shared" that was given: valueSize is 4, the object wants 8; programs could not use it',
	);
	t.is(other.info.valueSize, 4);
	using larger = createMap({...shared, maxEntries: 9});
	loadCollection(spec, {replaceMaps: {shared: larger}}).close();
});

kernel('a map of another size or name is made as the spec says', async t => {
	const pinRoot = await makeBpffs(t);
	const sized = changed(await read(), 'shared', {maxEntries: 99});
	using collection = loadCollection(renameMap(sized, 'shared', 'mine'), {pinRoot});
	t.like(collection.map('mine').info, {name: 'mine', maxEntries: 99});
	using pinned = openPinnedMap(join(pinRoot, 'mine'));
	t.is(pinned.info.id, collection.map('mine').info.id);
	t.is(collection.program('entry').run().returnValue, 1);
});

kernel('a longer array arrives in the kernel with its type', async t => {
	const spec = parseObject(
		await objectOf(`
			int numbers[2] SEC(".data.numbers") = {1, 2};
			const volatile unsigned int length = 2;
			SEC("xdp") int entry(void *ctx) {
				int sum = 0;
				for (unsigned int i = 0; i < 8 && i < length; i++) sum += numbers[i];
				return sum;
			}
		`),
	);
	const longer = resizeVariable(spec, 'numbers', 8);
	longer.variables['numbers']?.set([1, 2, 3, 4, 5, 6, 7, 8]);
	longer.variables['length']?.set(8);
	using collection = loadCollection(longer);
	t.is(collection.program('entry').run().returnValue, 36);
	t.is(collection.map('.data.numbers').info.valueSize, 32);
	t.not(collection.map('.data.numbers').info.valueTypeId, 0);
	t.deepEqual(collection.variable('numbers').get(), [1, 2, 3, 4, 5, 6, 7, 8]);
});

kernel(
	'an object of the other byte order is read, and refused by name when it is loaded',
	async t => {
		const spec = parseObject(await object('conventions', bigEndian, 'kernel'), {
			name: 'foreign',
		});
		t.is(spec.byteOrder, 'big');
		t.is(spec.config['verdict']?.get(), 1);
		t.throws(() => loadCollection(spec), {
			message: 'load object "foreign": it is big-endian, this machine is not',
		});
	},
);

kernel('a program whose map is switched off is verified as it would be loaded', async t => {
	const off = changed(await read(), 'shared', {autocreate: false});
	const results = [...verifyCollection(off)];
	const refused = results.filter(({error}) => error !== undefined);
	t.deepEqual(
		refused.map(({program}) => program),
		['entry'],
	);
	t.regex(refused[0]?.error?.message ?? '', /uses map "shared", which was switched off/);
});
