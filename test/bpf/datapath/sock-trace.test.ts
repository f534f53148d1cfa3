/** What sockets ask for and get is told to who listens. */

import test, {type ExecutionContext} from 'ava';

import {prepareFilter, type MonitorFilter} from '../../../src/datapath/monitor/filter.js';
import {EventFormat, kindOfType} from '../../../src/datapath/monitor/read-event.js';
import type {SocketEvent} from '../../../src/datapath/index.js';
import {openRingBuffer} from '../../../src/object/events/ring-buffer.js';
import {createMap} from '../../../src/object/map/create-map.js';
import {kernelTest} from '../../helpers/kernel.js';
import {
	ask,
	closeSocketLab,
	exchange,
	families,
	frontends,
	socketLab,
	tellers,
	type Family,
	type SocketLab,
} from '../../helpers/socket-lab.js';

const kernel = kernelTest({feature: 'ring buffers', since: '5.8', serial: true});
test.after.always(closeSocketLab);

const format = new EventFormat();

/** Events while something is done. */
async function told(
	t: ExecutionContext,
	{maps}: SocketLab,
	work: () => Promise<unknown>,
): Promise<SocketEvent[]> {
	const ring = createMap({type: 'ringbuf', maxEntries: 1 << 16});
	const reader = openRingBuffer(ring);
	t.teardown(() => {
		reader.close();
		ring.close();
	});
	maps.require('events').set(0, ring);
	await work();
	maps.require('events').delete(0);
	const events: SocketEvent[] = [];
	for (let batch = reader.read(); batch !== undefined; batch = reader.read()) {
		for (const raw of batch.raw()) {
			const bytes = Uint8Array.from(raw);
			const kind = kindOfType[bytes[0] ?? 0];
			t.is(kind, 'trace-sock');
			t.is(bytes.length, 40);
			if (kind === undefined) continue;
			const event = format.read(kind, new DataView(bytes.buffer), 0, bytes.length, 5);
			if (event.kind === 'trace-sock') events.push(event);
		}
	}

	return events;
}

const oneBackend = (net: SocketLab, family: Family, protocol: 'tcp' | 'udp') => ({
	...{number: 1, address: frontends[family], port: 80, protocol},
	backends: {1: {address: net.serverAddress[family], port: tellers.one}},
});

const connects = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		net.serve(oneBackend(net, family, 'tcp'));
		const events = await told(t, net, async () => ask(net.client, frontends[family], 80));
		const asked = {point: 'pre-forward', address: frontends[family], port: 80};
		const given = {
			point: 'post-forward',
			...{address: net.serverAddress[family], port: tellers.one},
		};
		const [first, second] = events;
		t.like(first, {...asked, protocol: 'tcp', time: 5});
		t.like(second, {...given, protocol: 'tcp', cookie: first?.cookie});
		t.true((first?.cookie ?? 0n) > 0n);
		t.true((first?.cgroup ?? 0n) > 0n);
		// getpeername asks, too.
		t.deepEqual([...new Set(events.map(({point}) => point))].slice(0, 2), [
			...['pre-forward', 'post-forward'],
		]);

		const passing = (filter: MonitorFilter): number =>
			events.filter(prepareFilter(filter).passes).length;
		const [own, other] = [frontends[family], net.serverAddress[family]];
		t.is(passing({}), events.length);
		t.is(passing({addresses: [own]}) + passing({addresses: [other]}), events.length);
		t.is(passing({ports: [80]}), passing({addresses: [own]}));
		for (const none of [{from: [0]}, {to: [0]}, {identities: [0]}, {reasons: [133]}]) {
			t.is(passing(none), 0);
		}
	},
	title: (_, family) => `what a connection asks for, and what it gets, ${family}`,
});

const receives = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		net.serve(oneBackend(net, family, 'udp'));
		const socket = await net.client.openUdp({family});
		const to = {address: frontends[family], port: 80};
		const events = await told(t, net, async () => exchange(socket, to));
		const backend = {address: net.serverAddress[family], port: tellers.one};
		t.deepEqual(
			events.map(({point, protocol, address, port}) => [point, protocol, address, port]),
			[
				['pre-forward', 'udp', to.address, 80],
				['post-forward', 'udp', backend.address, backend.port],
				['pre-reverse', 'udp', backend.address, backend.port],
				['post-reverse', 'udp', to.address, 80],
			],
		);
	},
	title: (_, family) => `where a datagram goes, and where its answer comes from, ${family}`,
});

for (const family of families) {
	kernel(connects, family);
	kernel(receives, family);
}

kernel('what is for no service is not told', async t => {
	const net = await socketLab(t);
	for (const family of families) {
		const address = net.serverAddress[family];
		t.deepEqual(await told(t, net, async () => ask(net.client, address, tellers.one)), []);
	}
});
