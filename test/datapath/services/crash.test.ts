import {once} from 'node:events';
import {Worker} from 'node:worker_threads';
import test from 'ava';

import {openDatapathMaps, Services, type NewService} from '../../../src/datapath/index.js';
import {readState} from '../../../src/datapath/services/read-state.js';
import {kernelTest} from '../../helpers/kernel.js';
import {openServiceMaps, pinServiceMaps} from '../../helpers/service-maps.js';
import type {UpserterData} from './upserter-worker.js';
import {countElements, missing} from './whole.js';

const kernel = kernelTest({feature: 'maps of services', since: '5.6'});

const service = (family: 4 | 6, number: number, hosts: readonly number[]): NewService => ({
	type: 'LoadBalancer',
	algorithm: number % 2 === 0 ? 'maglev' : 'random',
	affinity: {timeout: 60},
	sourceRanges: {allow: [family === 4 ? '192.0.2.0/24' : '2001:db8::/32']},
	frontend: {address: family === 4 ? `10.96.0.${number}` : `fd96::${number}`, port: 80},
	backends: hosts.map(host => ({
		address: family === 4 ? `10.1.0.${host}` : `fd01::${host}`,
		port: 8080,
	})),
});

const full = test.macro({
	async exec(t, family: 4 | 6, small: string) {
		const maps = await openServiceMaps(t, {entries: 64, sizes: {[small]: 3}});
		const services = new Services(maps, {size: 251});
		await services.upsert(service(family, 2, [1]));
		t.deepEqual(missing(maps), []);
		const before = countElements(maps);
		for (const number of [4, 6]) {
			await services.upsert(service(family, number, [1])).catch(() => undefined);
		}

		// Some step of this one finds no room.
		const error = await t.throwsAsync(services.upsert(service(family, 8, [2, 3, 4])));
		t.regex(String((error as {code?: unknown} | undefined)?.code), /^ERR_MAP/);
		t.deepEqual(missing(maps), []);
		t.is(services.get(service(family, 8, []).frontend), undefined);
		await services.recover();
		for (const number of [4, 6]) await services.delete(service(family, number, []).frontend);
		t.is(countElements(maps), before);
		t.deepEqual(services.get(service(family, 2, []).frontend)?.backends.length, 1);
	},
	title: (_, family, small) => `where ${small} is full there is no half service of IPv${family}`,
});

for (const family of [4, 6] as const) {
	for (const name of ['backends_v3', 'reverse_nat', 'source_range', 'maglev', 'services_v2']) {
		kernel(full, family, `lb${family}_${name}`);
	}

	kernel(full, family, 'lb_affinity_match');
}

kernel(
	'a process that dies at any point leaves whole services, and the next one mends',
	async t => {
		const root = await pinServiceMaps(t);
		using maps = openDatapathMaps({root, write: true, version: 'skep'});
		const choices = [[1, 2, 3], [3, 4], [5], [], [1, 2, 3, 4, 5, 6, 7, 8, 9]];
		const data: UpserterData = {
			root,
			services: ([4, 6] as const).flatMap(family =>
				[1, 2, 3].map(number => choices.map(hosts => service(family, number, hosts))),
			),
		};
		for (let round = 0; round < 4; round++) {
			const worker = new Worker(new URL('upserter-worker.js', import.meta.url), {
				workerData: data,
			});
			for (let i = 0; i < 10 + round * 7; i++) await once(worker, 'message');
			await worker.terminate();
			t.deepEqual(missing(maps), []);
			const services = new Services(maps, {size: 251});
			await services.recover();
			const {leftovers} = readState(maps);
			t.deepEqual(Object.values(leftovers).flat(), []);
			t.deepEqual(missing(maps), []);
		}

		await new Services(maps, {size: 251}).upsertMany([], {prune: true});
		t.is(countElements(maps), 0);
	},
);

kernel('what nothing leads to is taken away by the next change', async t => {
	const maps = await openServiceMaps(t, {entries: 64});
	for (const family of [4, 6] as const) {
		const address = family === 4 ? '10.96.0.9' : 'fd96::9';
		const key = {address, dport: 80, backend_slot: 1, proto: 6, scope: 0};
		const id = family;
		const value = {backend_id: id, count: 0, rev_nat_index: 9, flags: 0, flags2: 0, qcount: 0};
		maps.require(`services${family}`).set(key, value);
		const wildcard = {...key, dport: 0, proto: 0, backend_slot: 0};
		maps.require(`services${family}`).set(wildcard, {...value, rev_nat_index: 0});
		const backend = {address, port: 1, proto: 6, flags: 0, cluster_id: 0, zone: 0};
		maps.require(`backends${family}`).set(id, backend);
		maps.require(`reverseNat${family}`).set(9, {address, port: 80});
		const prefix = family === 4 ? '10.0.0.0/8' : 'fd00::/8';
		maps.require(`sourceRange${family}`).set({prefix, rev_nat_id: 9}, 1);
	}

	maps.require('affinityMatch').set({backend_id: 4, rev_nat_id: 9}, 1);
	const services = new Services(maps);
	t.is(await services.recover(), 11);
	t.is(countElements(maps), 0);
	t.is(await services.recover(), 0);
});
