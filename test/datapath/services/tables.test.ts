import type {ExecutionContext} from 'ava';

import {maglevTable, Services, type NewService} from '../../../src/datapath/index.js';
import {openInner} from '../../../src/datapath/services/tables.js';
import {encodeKey} from '../../../src/datapath/services/writes.js';
import type {BpfMap} from '../../../src/object/map/map.js';
import {kernelTest} from '../../helpers/kernel.js';
import {openServiceMaps} from '../../helpers/service-maps.js';
import {countElements, missing} from './whole.js';

const kernel = kernelTest({feature: 'hashes of maps', since: '5.6'});

const service = (family: 4 | 6, more: Partial<NewService> = {}): NewService => ({
	frontend: {address: family === 4 ? '10.96.0.1' : 'fd96::1', port: 80, protocol: 'udp'},
	algorithm: 'maglev',
	backends: [1, 2, 3].map(n => ({
		address: family === 4 ? `10.1.0.${n}` : `fd01::${n}`,
		port: 53,
		weight: n * 10,
	})),
	...more,
});

function tableOf(outer: BpfMap, number: number): {id: number; ids: number[]} | undefined {
	using inner = openInner(outer, encodeKey(outer, number));
	const bytes = inner?.raw.get(new Uint8Array(4));
	if (inner === undefined || bytes === undefined) return undefined;
	return {id: inner.info.id, ids: [...new Uint32Array(bytes.buffer)]};
}

async function expected(t: ExecutionContext, services: Services, wanted: NewService, size = 251) {
	const read = services.get(wanted.frontend);
	const open = read?.backends.filter(({quarantined}) => !quarantined) ?? [];
	t.true(open.length > 0);
	return [...(await maglevTable(open, {size})).ids];
}

kernel('a table follows its backends, in place, and goes when it is not used', async t => {
	const maps = await openServiceMaps(t, {entries: 64});
	const services = new Services(maps, {size: 251});
	for (const family of [4, 6] as const) {
		const outer = maps.require(`maglev${family}`) as BpfMap;
		const {
			ids: [number = 0],
		} = await services.upsert(service(family));
		const first = tableOf(outer, number);
		t.deepEqual(first?.ids, await expected(t, services, service(family)));
		t.like(await services.upsert(service(family)), {written: 0, removed: 0});
		t.like(await new Services(maps).upsert(service(family)), {written: 0, removed: 0});

		const {backends} = service(family);
		const other = service(family, {
			backends: backends.map(b => ({...b, weight: 40 - (b.weight ?? 0)})),
		});
		await services.upsert(other);
		const second = tableOf(outer, number);
		t.is(second?.id, first?.id);
		t.notDeepEqual(second?.ids, first?.ids);
		t.deepEqual(second?.ids, await expected(t, services, other));

		// Weights are kept with the slots, for who did not give them.
		const [drained] = services.get(other.frontend)?.backends ?? [];
		await new Services(maps).backends.drain(drained?.id ?? 0);
		t.deepEqual(tableOf(outer, number)?.ids, await expected(t, services, other));
		t.false(tableOf(outer, number)?.ids.includes(drained?.id ?? 0));
		t.deepEqual(missing(maps), []);

		await services.upsert(service(family, {algorithm: 'random'}));
		t.is(tableOf(outer, number), undefined);
		await services.upsert(service(family));
		await services.upsert(service(family, {backends: []}));
		t.is(tableOf(outer, number), undefined);
		await services.upsert(service(family));
		await services.delete(service(family).frontend);
		t.is(countElements(maps), 0);
	}
});

kernel('services without an algorithm have tables where the node has', async t => {
	const maps = await openServiceMaps(t, {entries: 64, tableSize: 509});
	const services = new Services(maps, {algorithm: 'maglev', size: 509});
	const {frontend, backends} = service(6);
	const plain = {frontend, backends};
	const {
		ids: [number = 0],
	} = await services.upsert(plain);
	t.is(services.get(plain.frontend)?.algorithm, 'default');
	const outer = maps.require('maglev6') as BpfMap;
	t.deepEqual(tableOf(outer, number)?.ids, await expected(t, services, plain, 509));
});

kernel('many tables are put in at once, and a wrong size is told', async t => {
	const maps = await openServiceMaps(t, {entries: 4096});
	const services = new Services(maps, {size: 251});
	const many = Array.from({length: 300}, (_, i) => ({
		...service(4),
		frontend: {address: `10.96.1.${i & 255}`, port: 80 + (i >> 8)},
	}));
	await services.upsertMany(many);
	t.is([...maps.require('maglev4').keys()].length, 300);
	t.deepEqual(missing(maps), []);
	await services.upsertMany([], {prune: true});
	t.is(countElements(maps), 0);
	await t.throwsAsync(new Services(maps, {size: 509}).upsert(service(4)), {
		code: 'ERR_DATAPATH',
		message: /do not have 509 places/,
	});
	await new Services(maps).recover();
	t.is(countElements(maps), 0);
});
