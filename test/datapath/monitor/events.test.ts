import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import type {ExecutionContext} from 'ava';

import {parseIpv4, parseIpv6} from '../../../src/base/address.js';
import {tcp, udp} from '../../../src/lab/index.js';
import {openRingBuffer} from '../../../src/object/events/ring-buffer.js';
import {createMap} from '../../../src/object/map/create-map.js';
import type {Program} from '../../../src/object/program/program.js';
import {
	endpoint,
	guardEndpoint,
	received,
	sent,
	type Family,
	type GuardedEndpoint,
} from '../../helpers/guarded-endpoint.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'events of the datapath', since: '5.15'});
const families: readonly Family[] = ['ipv4', 'ipv6'];
const worlds = {ipv4: 9, ipv6: 10} as const;
const enforceEgress = 2;
const audit = 4;

/** The events that programs send while `work` is done, as bytes. */
function eventsOf(t: ExecutionContext, {maps}: GuardedEndpoint, work: () => void): Uint8Array[] {
	const ring = createMap({type: 'ringbuf', maxEntries: 1 << 16});
	const reader = openRingBuffer(ring);
	t.teardown(() => {
		reader.close();
		ring.close();
	});
	maps.require('events').set(0, ring);
	work();
	maps.require('events').delete(0);
	const found: Uint8Array[] = [];
	for (let batch = reader.read(); batch !== undefined; batch = reader.read()) {
		for (const bytes of batch.raw()) found.push(bytes.slice());
	}

	return found;
}

type Fields = Readonly<Record<number, readonly [size: 1 | 2 | 4, value: number]>>;

/** An event as it has to be: fields by offset, all else zero, and the packet's first 128 bytes. */
function event(size: number, packet: Uint8Array, fields: Fields, origin?: string): Uint8Array {
	const captured = packet.subarray(0, 128);
	const bytes = new Uint8Array(size + captured.length);
	const view = new DataView(bytes.buffer);
	view.setUint16(2, endpoint.id, true);
	view.setUint32(8, packet.length, true);
	view.setUint16(12, captured.length, true);
	for (const [at, [width, value]] of Object.entries(fields)) {
		const offset = Number(at);
		if (width === 1) view.setUint8(offset, value & 0xff);
		else if (width === 2) view.setUint16(offset, value, true);
		else view.setUint32(offset, value >>> 0, true);
	}

	if (origin !== undefined) {
		bytes.set(origin.includes(':') ? parseIpv6(origin) : parseIpv4(origin), 32);
	}

	bytes.set(captured, size);
	return bytes;
}

/** The kernel's hash of the flow is not known before; it is taken out, and given. */
function takeHash(bytes: Uint8Array | undefined): number {
	const view = new DataView(bytes?.buffer ?? new ArrayBuffer(8));
	const hash = view.getUint32(4, true);
	view.setUint32(4, 0);
	return hash;
}

/** Where a source file first says this. */
function lineOf(file: string, text: string): number {
	const path = fileURLToPath(new URL(`../../../../bpf/${file}`, import.meta.url));
	return (
		readFileSync(path, 'utf8')
			.split('\n')
			.findIndex(line => line.includes(text)) + 1
	);
}

const short = new Uint8Array(20).fill(9);
const long = new Uint8Array(300).fill(7);
const syn = tcp({sourcePort: 4000, destinationPort: 443, flags: 'S'});

for (const family of families) {
	const ipv6 = Number(family === 'ipv6');
	const world = worlds[family];
	const trace = (data: Uint8Array, fields: Fields, origin: string): Uint8Array =>
		event(
			56,
			data,
			{
				0: [1, 4],
				14: [1, 2],
				27: [1, ipv6],
				28: [4, endpoint.ifindex],
				...fields,
			},
			origin,
		);
	const drop = (data: Uint8Array, fields: Fields): Uint8Array =>
		event(48, data, {
			0: [1, 1],
			14: [1, 3],
			16: [4, endpoint.identity],
			32: [4, endpoint.ifindex],
			36: [1, ipv6],
			...fields,
		});
	const verdict = (data: Uint8Array, number: number, audited: number): Uint8Array =>
		event(40, data, {
			0: [1, 5],
			14: [1, 1],
			16: [4, world],
			20: [4, number],
			24: [2, 443],
			26: [1, 6],
			27: [1, 2 | (ipv6 << 2) | (audited << 6)],
		});

	kernel(`events of ${family} have Cilium's layout, byte for byte`, async t => {
		const node = await guardEndpoint(t);
		const is = (data: Uint8Array, program: Program, ...expected: Uint8Array[]): void => {
			const events = eventsOf(t, node, () => program.run({data}));
			const hashes = new Set(events.map(each => takeHash(each)));
			t.is(hashes.size, 1);
			t.false(hashes.has(0));
			t.deepEqual(events, expected);
		};
		const settings = node.maps.require('endpointSettings');
		const {fromEndpoint, toEndpoint} = node;

		const stranger = family === 'ipv4' ? '10.0.0.77' : '2001:db8::77';
		const head = sent(family, udp({sourcePort: 4000}), stranger);
		for (const rest of [short, long]) {
			const data = Uint8Array.from([...head, ...rest]);
			const fields: Fields = {
				1: [1, 132],
				28: [2, lineOf('endpoint.bpf.c', 'DROP(DROP_INVALID_SOURCE_IP)')],
				30: [1, 1],
			};
			is(data, fromEndpoint, drop(data, fields));
		}

		const data = sent(family, syn);
		settings.set(endpoint.id, {policy_revision: 2, flags: enforceEgress});
		is(
			data,
			fromEndpoint,
			verdict(data, -133, 0),
			drop(data, {
				1: [1, 133],
				20: [4, world],
				28: [2, lineOf('lib/policy.h', 'DROP(DROP_POLICY_DENIED)')],
				30: [1, 6],
			}),
		);
		settings.set(endpoint.id, {policy_revision: 3, flags: enforceEgress | audit});
		is(
			data,
			fromEndpoint,
			verdict(data, 0, 1),
			trace(data, {1: [1, 3], 16: [4, endpoint.identity], 20: [4, world]}, endpoint[family]),
		);

		const coming = received(family, udp({sourcePort: 53, destinationPort: 4001}));
		is(
			coming,
			toEndpoint,
			trace(
				coming,
				{16: [4, world], 20: [4, endpoint.identity], 24: [2, endpoint.id]},
				endpoint.peer[family],
			),
		);
	});
}

/** Kind and subtype of events; of traces, the reason too. */
const kinds = (events: readonly Uint8Array[]): string[] =>
	events.map(bytes => `${bytes[0]}/${bytes[1]}${bytes[0] === 4 ? `/${bytes[26]}` : ''}`);

const [fromNew, toNew] = ['4/5/5', '4/3/0'];
const toEstablished = '4/3/1';

for (const [level, first, second] of [
	[0, [fromNew, toNew], [fromNew, toEstablished]],
	[1, [toNew], [toEstablished]],
	// Within the interval nothing more is told of a flow.
	[3, [toNew], []],
] as const) {
	kernel(`aggregation level ${level} tells that much of a flow`, async t => {
		const node = await guardEndpoint(t, {
			monitor_aggregation: level,
			monitor_interval: 1000,
		});
		for (const family of families) {
			const run = (flags: 'S' | 'A' | 'FA'): string[] => {
				const content = tcp({sourcePort: 4000, destinationPort: 443, flags});
				const data = sent(family, content);
				return kinds(eventsOf(t, node, () => node.fromEndpoint.run({data})));
			};
			t.deepEqual(run('S'), [...first]);
			t.deepEqual(run('A'), [...second]);
			t.deepEqual(run('A'), [...second]);
			// The first FIN is worth an event at each level.
			t.true(run('FA').includes(toEstablished));
			t.deepEqual(run('FA'), [...second]);
		}
	});
}

kernel('events beyond the rate are held back and counted', async t => {
	const node = await guardEndpoint(t, {events_rate: 1, events_burst: 5});
	const data = sent('ipv4', udp({sourcePort: 4000}), '10.0.0.77');
	const start = process.hrtime.bigint();
	const events = eventsOf(t, node, () => node.fromEndpoint.run({data, repeat: 1000}));
	const seconds = Number((process.hrtime.bigint() - start) / 1_000_000_000n) + 1;
	t.true(events.length >= 5 && events.length <= 5 + seconds);
	t.deepEqual(node.maps.require('ratelimitMetrics').get({usage: 2}), {
		dropped: BigInt(1000 - events.length),
	});
});

kernel('time that is too short for a token counts for the next', async t => {
	const node = await guardEndpoint(t, {events_rate: 1, events_burst: 1});
	const data = sent('ipv6', udp({sourcePort: 4000}), '2001:db8::77');
	const buckets = node.maps.require('ratelimit');
	const key = {usage: 2, netdev_idx: 0};
	const second = 1_000_000_000n;
	t.is(eventsOf(t, node, () => node.fromEndpoint.run({data})).length, 1);
	const start = process.hrtime.bigint() - (second * 7n) / 2n;
	buckets.set(key, {last_topup: start, tokens: 0n});
	t.is(eventsOf(t, node, () => node.fromEndpoint.run({data})).length, 1);
	const filled = buckets.get(key)?.last_topup ?? 0n;
	t.true(filled > start);
	t.is((filled - start) % second, 0n);
});

kernel('a rate without a burst has a burst of its own', async t => {
	const node = await guardEndpoint(t, {events_rate: 3});
	const data = sent('ipv4', udp({sourcePort: 4000}), '10.0.0.77');
	const events = eventsOf(t, node, () => node.fromEndpoint.run({data, repeat: 100}));
	t.true(events.length >= 3 && events.length < 100);
});

kernel('a full ring counts what it loses', async t => {
	const node = await guardEndpoint(t);
	const data = sent('ipv4', udp({sourcePort: 4000}), '10.0.0.77');
	const events = eventsOf(t, node, () => node.fromEndpoint.run({data, repeat: 5000}));
	const perCpu = node.maps.require('eventsLost').get(0) ?? [];
	const lost = perCpu.reduce((sum, each) => sum + each, 0n);
	t.true(lost > 0n);
	t.is(lost + BigInt(events.length), 5000n);
});
