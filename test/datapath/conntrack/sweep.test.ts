import type {ExecutionContext} from 'ava';
import {EventEmitter, on} from 'node:events';

import {
	Conntrack,
	openDatapathMaps,
	type Flow,
	type FlowFilter,
	type GcPass,
	type GcTrigger,
} from '../../../src/datapath/index.js';
import {FlowCondition} from '../../../src/datapath/conntrack/flow-filter.js';
import {FlowRates} from '../../../src/datapath/conntrack/flow-rates.js';
import {collect} from '../../../src/datapath/conntrack/gc.js';
import {tcp, udp} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {addresses, families, guardEndpoint, inward, opened, outward} from './guarded-endpoint.js';
import type {GuardedEndpoint, Sent} from './guarded-endpoint.js';

const kernel = kernelTest({feature: 'tcx', since: '6.6'});

const mapsOf = ({maps}: GuardedEndpoint) => ({
	4: {tcp: maps.require('ctTcp4'), any: maps.require('ctAny4')},
	6: {tcp: maps.require('ctTcp6'), any: maps.require('ctAny6')},
});

/** Makes the flow's entry end some seconds ago. */
function expire(endpoint: GuardedEndpoint, flow: Flow, seconds = 5): void {
	const map = mapsOf(endpoint)[flow.family][flow.protocol === 'tcp' ? 'tcp' : 'any'];
	for (const [key, entry] of map) {
		if (key.sport === flow.sourcePort) {
			map.set(key, {...entry, lifetime: flow.lifetime - flow.expires - seconds});
		}
	}
}

kernel('what is over is removed, and nothing else', async t => {
	const endpoint = await guardEndpoint(t);
	for (const family of families) {
		endpoint.send(opened(family, 'tcp').forth('S'), opened(family, 'udp').forth());
		for (let port = 1; port <= 100; port++) {
			endpoint.send(['out', outward(family, tcp({sourcePort: port, flags: 'S'}))]);
		}
	}

	for (const flow of endpoint.conntrack.list()) {
		if (flow.sourcePort <= 100) expire(endpoint, flow, 1);
	}

	const result = await endpoint.conntrack.gc();
	t.is(result.deleted, 200);
	t.is(result.spared, 0);
	t.is(result.scanned, 204);
	t.is(result.ratio, 100 / 4096);
	t.deepEqual(
		result.maps.map(({map, deleted}) => [map, deleted]),
		[
			['ct4_global', 100],
			['ct_any4_global', 0],
			['ct6_global', 100],
			['ct_any6_global', 0],
		],
	);
	const left = [...endpoint.conntrack.list()].map(({sourcePort}) => sourcePort);
	t.deepEqual(left, [40_000, 40_000, 40_000, 40_000]);
	t.is((await endpoint.conntrack.gc({family: 6})).maps.length, 2);
});

kernel('a flow that is opened anew between its reading and its deletion stays', async t => {
	const endpoint = await guardEndpoint(t);
	for (const family of families) {
		for (const isReadAgain of [true, false]) {
			const {forth} = opened(family, 'tcp');
			await endpoint.conntrack.flush();
			endpoint.send(forth('S'));
			const [flow] = endpoint.conntrack.list();
			if (flow === undefined) return t.fail('there is no flow');
			expire(endpoint, flow);
			const {raw} = mapsOf(endpoint)[family].tcp;
			let old: Uint8Array | undefined;
			const reopening = {
				raw: {
					keySize: raw.keySize,
					valueSize: raw.valueSize,
					get(key: Uint8Array, value?: Uint8Array) {
						if (isReadAgain) return raw.get(key, value);
						// What was read first: as if nobody looked again.
						value?.set(old ?? []);
						return value;
					},
					delete: raw.delete.bind(raw),
					batches: () => ({
						*[Symbol.iterator]() {
							yield* raw.batches();
						},
						async *[Symbol.asyncIterator]() {
							for await (const batch of raw.batches()) {
								old = batch.values.slice(0, raw.valueSize);
								endpoint.send(forth('S'));
								yield batch;
							}
						},
					}),
				},
			};
			const now = flow.lifetime - flow.expires;
			const maps = [{name: 'ct', maxEntries: 4096, map: reopening}];
			const {deleted, spared} = await collect(maps, now);
			t.deepEqual([deleted, spared], isReadAgain ? [0, 1] : [1, 0]);
			t.is(endpoint.conntrack.get(flow)?.state, isReadAgain ? 'opening' : undefined);
		}
	}
});

/** Two flows of each family: TCP out of the endpoint, UDP to it. */
function fill(endpoint: GuardedEndpoint): void {
	for (const family of families) {
		endpoint.send(
			['out', outward(family, tcp({sourcePort: 1001, destinationPort: 80, flags: 'S'}))],
			['in', inward(family, udp({sourcePort: 1002, destinationPort: 53}))],
		);
	}
}

const filters: readonly (readonly [FlowFilter, number])[] = [
	[{}, 4],
	[{address: addresses[4].own}, 2],
	[{address: addresses[6].peer}, 2],
	[{address: '10.0.0.0/8'}, 2],
	[{address: '2001:db8::/31'}, 2],
	[{address: '0.0.0.0/0'}, 2],
	[{address: [addresses[4].own, addresses[6].own]}, 4],
	[{address: ['10.0.0.0/9', addresses[6].own]}, 4],
	[{address: '10.128.0.0/9'}, 0],
	[{source: addresses[4].own}, 1],
	[{source: addresses[4].peer}, 1],
	[{destination: addresses[4].own}, 1],
	[{source: '2001:db8::/32', direction: 'in'}, 1],
	[{port: 1001}, 2],
	[{port: 53}, 2],
	[{port: 54}, 0],
	[{protocol: 'tcp'}, 2],
	[{protocol: 'UDP'}, 2],
	[{protocol: '17'}, 2],
	[{protocol: 'sctp'}, 0],
	[{direction: 'in'}, 2],
	[{direction: 'out'}, 2],
	[{direction: 'service'}, 0],
	[{state: 'opening'}, 2],
	[{state: 'unreplied'}, 2],
	[{state: 'established'}, 0],
	[{identity: 300}, 2],
	[{identity: 9}, 1],
	[{identity: 10, direction: 'in', protocol: 'udp', port: 53, state: 'unreplied'}, 1],
];

kernel('a filter means the same flows however they are read', async t => {
	const endpoint = await guardEndpoint(t);
	const {conntrack} = endpoint;
	fill(endpoint);
	for (const [filter, count] of filters) {
		const title = JSON.stringify(filter);
		t.is([...conntrack.list({filter})].length, count, title);
		t.is([...conntrack.list({filter, consistency: 'fast'})].length, count, `fast ${title}`);
		t.is(await conntrack.count({filter}), count, `count ${title}`);
		const read = [];
		for await (const flow of conntrack.list({filter})) read.push(flow);
		t.is(read.length, count, `async ${title}`);
	}

	for (const [filter, count] of filters) {
		t.is(await conntrack.flush(filter), count, `flush ${JSON.stringify(filter)}`);
		t.is(await conntrack.count(), 4 - count);
		await conntrack.flush();
		fill(endpoint);
	}

	t.is(await conntrack.scrub([]), 0);
	t.is(await conntrack.scrub([addresses[4].own, addresses[6].own]), 4);
});

kernel('wrong filters and keys are refused', async t => {
	const {conntrack, root} = await guardEndpoint(t);
	const refused = (filter: object, code = 'ERR_USAGE'): void => {
		t.throws(() => conntrack.list({filter}), {code}, JSON.stringify(filter));
	};
	refused({adress: '10.0.0.1'});
	refused({address: 'ten'}, 'ERR_ADDRESS');
	refused({port: 65_536});
	refused({port: -1});
	refused({protocol: 'xyz'});
	refused({protocol: '256'});
	refused({direction: 'up'});
	refused({state: 'dead'});
	refused({identity: 1.5});
	const key = {protocol: 'tcp', direction: 'out', source: '10.0.0.1'} as const;
	t.throws(() => conntrack.get({...key, destination: '::1'}), {code: 'ERR_USAGE'});
	t.throws(() => conntrack.get({...key, destination: '10.0.0.0/8'}), {code: 'ERR_USAGE'});
	using readOnly = openDatapathMaps({root});
	const looking = new Conntrack(readOnly, {clock: {now: () => 0}});
	await t.throwsAsync(async () => looking.flush(), {
		code: 'ERR_DATAPATH',
		message: /reading only/,
	});
	await t.throwsAsync(async () => looking.gc(), {code: 'ERR_DATAPATH'});
	t.throws(() => looking.gcLoop(), {code: 'ERR_DATAPATH'});
	t.throws(() => looking.delete({...key, destination: '10.0.0.2'}), {code: 'ERR_DATAPATH'});
	await t.throwsAsync(async () => new Conntrack(readOnly).top(), {
		code: 'ERR_USAGE',
		message: /openConntrack/,
	});
});

kernel('the busiest flows come first, by what they sent since the last reading', async t => {
	const endpoint = await guardEndpoint(t);
	const {maps, conntrack} = endpoint;
	fill(endpoint);
	const tables = [
		{name: 'ct_any4_global', family: 4, tcp: false, map: maps.require('ctAny4')},
		{name: 'ct_any6_global', family: 6, tcp: false, map: maps.require('ctAny6')},
	] as const;
	const {forth} = opened(4, 'udp');
	const big: Sent = [
		'out',
		outward(6, udp({sourcePort: 7, destinationPort: 8})).withPayload(new Uint8Array(1000)),
	];
	const rates = new FlowRates(tables, new FlowCondition({}), {});
	const ports = async (by: 'packets' | 'bytes', limit: number): Promise<number[]> => {
		const read = await rates.read(by, limit, {now: 0, seconds: 1});
		return read.map(({flow}) => flow.sourcePort);
	};
	endpoint.send(forth(), big);
	t.deepEqual(await ports('packets', 10), []);
	endpoint.send(forth(), forth(), forth(), big);
	t.deepEqual(await ports('packets', 10), [40_000, 7]);
	t.deepEqual(await ports('packets', 10), []);
	endpoint.send(forth(), forth(), forth(), big);
	t.deepEqual(await ports('bytes', 10), [7, 40_000]);
	endpoint.send(forth(), forth(), forth(), big);
	t.deepEqual(await ports('bytes', 1), [7]);
	// A flow under the same key begins to count anew.
	await conntrack.flush();
	endpoint.send(forth());
	const [anew] = await rates.read('packets', 1, {now: 0, seconds: 1});
	t.is(anew?.flow.packets, 1n);

	const stop = new AbortController();
	const watch = conntrack.watchTop({interval: 1, signal: stop.signal});
	t.deepEqual((await watch.next()).value, []);
	stop.abort();
	t.true((await watch.next()).done);
});

async function passes(t: ExecutionContext, loop: AsyncGenerator<GcPass, void>): Promise<GcPass> {
	const step = await loop.next();
	if (step.done !== true) return step.value;
	t.fail('the loop ended');
	throw new Error('the loop ended');
}

kernel(
	'the loop removes what is over at once, when it is asked to, and until it is aborted',
	async t => {
		const endpoint = await guardEndpoint(t);
		fill(endpoint);
		for (const flow of endpoint.conntrack.list()) expire(endpoint, flow);
		const stop = new AbortController();
		const signals = new EventEmitter();
		const full = on(signals, 'full') as AsyncIterable<[GcTrigger]>;
		const triggers = (async function* () {
			for await (const [trigger] of full) yield trigger;
		})();
		const loop = endpoint.conntrack.gcLoop({signal: stop.signal, triggers});
		const first = await passes(t, loop);
		t.is(first.result?.deleted, 4);
		t.is(first.next, 450);

		fill(endpoint);
		for (const flow of endpoint.conntrack.list()) expire(endpoint, flow);
		const asked = passes(t, loop);
		signals.emit('full', {family: 4});
		const second = await asked;
		t.is(second.result?.deleted, 2);
		t.true(second.next > 0 && second.next <= 450);

		const map = endpoint.maps.require('endpoints');
		for (const key of [...map.keys()]) map.delete(key);
		const idle = passes(t, loop);
		signals.emit('full', {});
		t.is((await idle).result, undefined);

		const last = loop.next();
		stop.abort();
		t.true((await last).done);
	},
);
