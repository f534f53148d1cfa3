import {join} from 'node:path';
import type {ExecutionContext} from 'ava';

import {monitor, type LayoutVersion, type MonitorEvent} from '../../../src/datapath/index.js';
import {openPerfBuffer} from '../../../src/object/events/perf-buffer.js';
import {takenPerfPlaces} from '../../../src/datapath/monitor/perf-places.js';
import {onlineCpus} from '../../../src/kernel/host/cpus.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {received, sent} from '../../helpers/guarded-endpoint.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {skep} from '../../helpers/cli.js';
import {tcp} from '../../../src/lab/index.js';

const kernel = kernelTest({feature: 'test runs of raw tracepoints', since: '5.10'});
const prefix = 'cilium_';
const packets = [sent('ipv4', tcp({destinationPort: 443})), received('ipv6', tcp({sourcePort: 9}))];

/** A Cilium node's pin of events, and what its programs write there. */
async function makeNode(t: ExecutionContext) {
	const root = await makeBpffs(t);
	const collection = await loadFixture(t, 'kernel/cilium-events');
	const map = collection.map('cilium_events');
	map.pin(join(root, 'cilium_events'));
	const program = collection.program('send_event');
	const send = (header: Uint8Array, packet: Uint8Array): number => {
		const bytes = new Uint8Array(64);
		bytes.set(header);
		collection.variable('header').set(bytes);
		collection.variable('header_size').set(header.length);
		collection.variable('captured').set(BigInt(Math.min(packet.length, 128)));
		return program.run({data: packet}).returnValue;
	};
	return {root, map, send};
}

type Field = readonly [offset: number, size: 1 | 2 | 4, value: number];

/** A header by the offsets of its fields; what every event has comes from the packet. */
function header(size: number, version: number, packet: Uint8Array, fields: readonly Field[]) {
	const bytes = new Uint8Array(size);
	const view = new DataView(bytes.buffer);
	const all: readonly Field[] = [
		[2, 2, 42],
		[4, 4, 0xabcdef01],
		[8, 4, packet.length],
		[12, 2, Math.min(packet.length, 128)],
		[14, 1, version],
		...fields,
	];
	for (const [at, length, value] of all) {
		if (length === 1) view.setUint8(at, value);
		else if (length === 2) view.setUint16(at, value, true);
		else view.setUint32(at, value, true);
	}

	return bytes;
}

const drop = (size: number, version: number, packet: Uint8Array): Uint8Array =>
	header(size, version, packet, [
		...([
			[0, 1, 1],
			[1, 1, 133],
			[16, 4, 300],
			[20, 4, 400],
			[24, 4, 7],
		] as const),
		...([
			[28, 2, 1234],
			[30, 1, 2],
			[31, 1, 0xfe],
			[32, 4, 5],
		] as const),
	]);
const trace = (size: number, version: number, packet: Uint8Array): Uint8Array =>
	header(size, version, packet, [
		...([
			[0, 1, 4],
			[1, 1, 0],
			[16, 4, 300],
			[20, 4, 400],
			[24, 2, 7],
		] as const),
		...([
			[26, 1, 0x82],
			[28, 4, 5],
		] as const),
	]);
const verdict = (size: number, version: number, packet: Uint8Array): Uint8Array =>
	header(size, version, packet, [
		...([
			[0, 1, 5],
			[16, 4, 400],
			[20, 4, 0xffffff7b],
			[24, 2, 443],
			[26, 1, 6],
		] as const),
		...([
			[27, 1, 0b0_1_010_0_10],
			[28, 1, 1],
		] as const),
	]);

/** Sizes of the headers, and the versions they tell. */
const forms: Readonly<
	Partial<Record<LayoutVersion, Readonly<Record<'drop' | 'trace' | 'verdict', [number, number]>>>>
> = {
	'1.15': {drop: [36, 1], trace: [48, 1], verdict: [32, 1]},
	'1.16': {drop: [36, 1], trace: [48, 1], verdict: [32, 1]},
	'1.17': {drop: [36, 1], trace: [48, 1], verdict: [32, 1]},
	'1.18': {drop: [40, 2], trace: [48, 1], verdict: [32, 1]},
	'1.19': {drop: [48, 3], trace: [56, 2], verdict: [40, 1]},
};

for (const [version, form] of Object.entries(forms)) {
	kernel(`the events of Cilium ${version} are drops, traces and verdicts`, async t => {
		const {root, send} = await makeNode(t);
		using listening = monitor({root, prefix});
		t.is(listening.slot, undefined);
		for (const packet of packets) {
			t.is(send(drop(...form.drop, packet), packet), 0);
			t.is(send(trace(...form.trace, packet), packet), 0);
			t.is(send(verdict(...form.verdict, packet), packet), 0);
		}

		// CPUs are read one after the other, and the test may move between them.
		const events = listening.read();
		const common = {source: 42, hash: 0xabcdef01, isL3: false};
		for (const packet of packets) {
			const {length} = packet;
			const found = (kind: string): MonitorEvent | undefined =>
				events.find(
					event => event.kind === kind && 'packet' in event && event.length === length,
				);
			const both = {...common, length, packet};
			t.like(found('drop'), {
				...both,
				reason: 133,
				reasonText: 'Policy denied',
				extendedError: -2,
				sourceIdentity: 300,
				destinationIdentity: 400,
				destinationEndpoint: 7,
				ifindex: 5,
				file: 'bpf_lxc.c',
				line: 1234,
			});
			t.like(found('trace'), {
				...both,
				point: 'to-endpoint',
				reason: 'reply',
				encrypted: true,
				sourceIdentity: 300,
				destinationIdentity: 400,
				destinationEndpoint: 7,
				ifindex: 5,
			});
			t.like(found('policy-verdict'), {
				...both,
				verdict: 'audit',
				reason: 133,
				direction: 'egress',
				remoteIdentity: 400,
				protocol: 6,
				destinationPort: 443,
				match: 'L3-L4',
				authType: 'spire',
			});
		}

		t.is(events.length, 6);
		t.is(listening.stats.lost, 0);
	});
}

kernel('what no version has is told as bytes, never by wrong names', async t => {
	const {root, send} = await makeNode(t);
	using listening = monitor({root, prefix});
	const [packet = new Uint8Array()] = packets;
	const lies = header(36, 1, packet, [
		[0, 1, 1],
		[12, 2, packet.length - 16],
	]);
	const extended = drop(48, 3, packet);
	extended[15] = 1;
	const strange = [
		drop(36, 9, packet),
		trace(48, 0, packet),
		verdict(36, 1, packet.subarray(0, 20)),
		lies,
		extended,
		Uint8Array.of(2, 1, 0, 0),
	];
	for (const bytes of strange) t.is(send(bytes, packet), 0);
	const events = listening.read();
	t.deepEqual(
		events.map(event => event.kind),
		strange.map(() => 'unknown'),
	);
	const first = events.find(event => event.kind === 'unknown' && event.type === 1);
	t.true(first?.kind === 'unknown' && first.bytes.length >= 36 + packet.length);
});

kernel('an agent keeps its events unless they are taken over, and is not disturbed', async t => {
	const {root, map, send} = await makeNode(t);
	const [packet = new Uint8Array()] = packets;
	const event = drop(48, 3, packet);
	t.deepEqual(takenPerfPlaces(map), []);
	const agent = openPerfBuffer(map);
	t.teardown(() => agent.close());
	t.deepEqual(takenPerfPlaces(map), onlineCpus());
	t.throws(() => monitor({root, prefix}), {
		code: 'ERR_DATAPATH',
		message: /cilium-dbg monitor.*--take-over.*until it is restarted/,
	});
	const refused = await skep('monitor', '--root', root, '--prefix', prefix);
	t.is(refused.code, 1);
	t.regex(refused.err, /^skep: monitor datapath .*--take-over/);
	send(event, packet);
	t.is(agent.read()?.count, 1);

	const listening = monitor({root, prefix, takeOver: true, filter: {kinds: ['drop']}});
	t.teardown(() => listening.close());
	send(event, packet);
	send(Uint8Array.of(2, 1, 0, 0), packet);
	t.is(agent.read(), undefined);
	t.deepEqual(
		listening.read().map(({kind}) => kind),
		['drop'],
	);

	// The agent starts anew, then the monitor ends: the places are the agent's.
	const again = openPerfBuffer(map);
	t.teardown(() => again.close());
	listening.close();
	t.deepEqual(takenPerfPlaces(map), onlineCpus());
	send(event, packet);
	t.is(again.read()?.count, 1);
	again.close();
	t.deepEqual(takenPerfPlaces(map), []);
});

kernel('what a monitor took is free when it ends', async t => {
	const {root, map} = await makeNode(t);
	const listening = monitor({root, prefix});
	t.deepEqual(takenPerfPlaces(map), onlineCpus());
	t.throws(() => monitor({root, prefix}), {code: 'ERR_DATAPATH'});
	listening.close();
	t.deepEqual(takenPerfPlaces(map), []);
});
