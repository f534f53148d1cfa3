/** Services with backends on other nodes, by XDP. */

import test, {type ExecutionContext} from 'ava';

import {raiseServicesRevision} from '../../../src/datapath/revisions.js';
import {
	fragmentPacket,
	icmp,
	icmpv6,
	tcp,
	udp,
	type Packet,
	type PacketPart,
} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {onOneCpu} from '../../helpers/one-cpu.js';
import {RelayNode, service, type Family, type FrameResult, type Handed} from './relay-node.js';

const kernel = kernelTest({feature: 'frames in several pieces', since: '5.18'});
const families = [4, 6] as const;
const {port, backendPort} = service;
const clientPort = 40_000;
const toBackend: Handed = {flags: 8, index: service.index, backend: service.backend};

type L4 = (ports: {sourcePort: number; destinationPort: number}) => PacketPart;

interface Flow {
	readonly name: string;
	readonly l4: L4;
	/** Does it go by the shortcut, once it is known? */
	readonly known: boolean;
}

const flows: readonly Flow[] = [
	{name: 'TCP', l4: ports => tcp({...ports, flags: 'A'}), known: true},
	{name: 'TCP that closes', l4: ports => tcp({...ports, flags: 'FA'}), known: false},
	{name: 'TCP that is refused', l4: ports => tcp({...ports, flags: 'R'}), known: false},
	{name: 'UDP', l4: ports => udp(ports), known: true},
];

function goes(t: ExecutionContext, {verdict, out, handed}: FrameResult, expected: Packet): void {
	t.is(verdict, 'redirect');
	t.is(handed, undefined);
	t.deepEqual(Buffer.from(out.bytes), Buffer.from(expected.bytes));
}

const relayed = test.macro({
	async exec(t, family: Family, {l4, known}: Flow) {
		const node = await RelayNode.make(t);
		const [front, own] = [node.frontend(family), node.translated(family)];
		const there = l4({sourcePort: clientPort, destinationPort: port});
		const request = node.from('client', family, front, there, 'some data');
		const sent = node.to(
			'backend',
			family,
			own,
			l4({sourcePort: clientPort, destinationPort: backendPort}),
			'some data',
		);
		const back = l4({sourcePort: backendPort, destinationPort: clientPort});
		const reply = node.from('backend', family, own, back, 'an answer');
		const answered = node.to(
			'client',
			family,
			front,
			l4({sourcePort: port, destinationPort: clientPort}),
			'an answer',
		);
		onOneCpu(() => {
			for (let i = 0; i < 5; i++) {
				goes(t, node.run('client', request), sent);
				goes(t, node.run('backend', reply), answered);
			}
		});

		const {'relay.h': full = 0n, 'shortcut.h': short = 0n} = node.counted();
		t.is(full + short, 10n);
		// A second that passes is looked at again.
		t.is(short > 0n, known);
	},
	title: (_: string | undefined, family: Family, {name}: Flow) =>
		`IPv${family}: ${name} goes to a backend of another node and back`,
});

for (const family of families) for (const flow of flows) kernel(relayed, family, flow);

kernel('UDP over IPv4 that has no checksum gets none', async t => {
	const node = await RelayNode.make(t);
	const bytesOf = (frame: Packet): Uint8Array => {
		const bytes = Uint8Array.from(frame.bytes);
		bytes.fill(0, 40, 42);
		return bytes;
	};
	const request = udp({sourcePort: clientPort, destinationPort: port});
	const sent = udp({sourcePort: clientPort, destinationPort: backendPort});
	for (let i = 0; i < 3; i++) {
		const {verdict, out} = node.run(
			'client',
			bytesOf(node.from('client', 4, node.frontend(4), request)),
		);
		t.is(verdict, 'redirect');
		const expected = bytesOf(node.to('backend', 4, node.translated(4), sent));
		t.deepEqual(Buffer.from(out.bytes), Buffer.from(expected));
	}
});

interface Left {
	readonly name: string;
	readonly prepare?: (node: RelayNode, family: Family) => void;
	readonly frame?: (node: RelayNode, family: Family) => Packet | Uint8Array;
	readonly handed?: Handed;
	readonly drop?: number;
}

const opening = tcp({sourcePort: clientPort, destinationPort: port, flags: 'S'});
const usual = (node: RelayNode, family: Family): Packet =>
	node.from('client', family, node.frontend(family), opening);
const none: Handed = {flags: 1, index: 0, backend: 0};

const left: readonly Left[] = [
	{
		name: 'what is for no service is left, and said so',
		frame: (node, family) =>
			node.from('client', family, node.address('backend', family), opening),
		handed: none,
	},
	{
		name: 'what is for a backend of this node is left with its backend',
		prepare(node, family) {
			const mac = '02:00:00:00:01:01';
			node.maps.require('endpoints').set(
				{address: node.address('backend', family)},
				{
					...{ifindex: 1, lxc_id: 1, flags: 0, mac, node_mac: mac, sec_id: 300},
					parent_ifindex: 0,
				},
			);
		},
		handed: toBackend,
	},
	{
		name: 'what has no route is left with its backend',
		prepare: (node, family) =>
			node.setBackend(family, family === 4 ? '203.0.113.1' : '3fff:dead::1'),
		handed: toBackend,
	},
	{
		name: 'what is for a service without backends is left',
		prepare: (node, family) => node.addService(family, {count: 0}),
	},
	{
		name: 'what is for a service whose backends answer by themselves is left',
		prepare: (node, family) => node.addService(family, {flags2: 128}),
	},
	{
		name: 'what is for a service of the other family is left',
		prepare: (node, family) => node.addService(family, {flags2: 2}),
	},
	{
		name: 'what has no hop left is left',
		frame: (node, family) =>
			usual(node, family).bytes.map((byte, i) => (i === (family === 4 ? 22 : 21) ? 1 : byte)),
	},
	{
		name: 'a fragment is left',
		frame: (node, family) =>
			fragmentPacket(
				node.from(
					'client',
					family,
					node.frontend(family),
					udp({sourcePort: clientPort, destinationPort: port}),
					new Uint8Array(3000),
				),
				1500,
			)[0] ?? usual(node, family),
	},
	{
		name: 'a frame of a VLAN is left',
		frame: (node, family) =>
			Buffer.concat([
				usual(node, family).bytes.subarray(0, 12),
				Uint8Array.of(0x81, 0, 0, 5),
				usual(node, family).bytes.subarray(12),
			]),
	},
	{
		name: 'an ICMP message is left',
		frame: (node, family) =>
			node.from(
				'client',
				family,
				node.frontend(family),
				family === 4 ? icmp({type: 8}) : icmpv6({type: 128}),
			),
		handed: none,
	},
	{
		name: 'what comes to a service of the cluster alone is dropped',
		prepare: (node, family) => node.addService(family, {flags: 0}),
		drop: 174,
	},
	{
		name: 'what comes from outside its source ranges is dropped',
		prepare: (node, family) => node.addService(family, {flags: 0x60 | 128}),
		drop: 177,
	},
];

const isLeft = test.macro({
	async exec(t, family: Family, {prepare, frame = usual, handed, drop}: Left) {
		const node = await RelayNode.make(t);
		prepare?.(node, family);
		const given = frame(node, family);
		const result = node.run('client', given);
		t.is(result.verdict, drop === undefined ? 'pass' : 'drop');
		t.deepEqual(result.handed, handed);
		const bytes = given instanceof Uint8Array ? given : given.bytes;
		t.deepEqual(Buffer.from(result.out.bytes), Buffer.from(bytes));
		if (drop !== undefined) t.is(reasonOf(node), drop);
	},
	title: (_: string | undefined, family: Family, {name}: Left) => `IPv${family}: ${name}`,
});

for (const family of families) for (const each of left) kernel(isLeft, family, each);

function reasonOf({maps}: RelayNode): number | undefined {
	return [...maps.require('metrics').keys()].map(({reason}) => reason).find(each => each > 127);
}

for (const family of families) {
	kernel(`IPv${family}: a frame that ends anywhere is left as it came`, async t => {
		const node = await RelayNode.make(t);
		const whole = usual(node, family);
		t.is(node.run('client', whole).verdict, 'redirect');
		for (let length = 14; length < whole.bytes.length; length++) {
			const cut = whole.bytes.subarray(0, length);
			const {verdict, out, handed} = node.run('client', cut);
			t.is(verdict, 'pass');
			t.is(handed, undefined);
			t.deepEqual(Buffer.from(out.bytes), Buffer.from(cut));
		}
	});

	kernel(`IPv${family}: a change of services counts at once`, async t => {
		const node = await RelayNode.make(t);
		const data = node.from(
			'client',
			family,
			node.frontend(family),
			tcp({sourcePort: clientPort, destinationPort: port, flags: 'A'}),
		);
		for (let i = 0; i < 3; i++) t.is(node.run('client', data).verdict, 'redirect');
		node.maps.require(`backends${family}`).delete(service.backend);
		raiseServicesRevision(node.maps);
		t.is(node.run('client', data).verdict, 'pass');
	});

	kernel(`IPv${family}: what went by the shortcut is told to conntrack`, async t => {
		const node = await RelayNode.make(t);
		const make = (flags: string) =>
			node.from(
				'client',
				family,
				node.frontend(family),
				tcp({sourcePort: clientPort, destinationPort: port, flags}),
			);
		onOneCpu(() => {
			node.run('client', make('S'));
			for (let i = 0; i < 20; i++) node.run('client', make('A'));
			node.run('client', make('FA'));
		});
		const entries = [...node.maps.require(`ctTcp${family}`)];
		const entry = entries.find(([{flags}]) => flags === 0)?.[1];
		t.is(entry?.packets, 22n);
		t.true(entry?.node_port);
		t.is(entry?.rev_nat_index, service.index);
		t.true(entry?.tx_closing);
	});
}
