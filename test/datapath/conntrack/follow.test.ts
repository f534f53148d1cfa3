import type {ExecutionContext} from 'ava';
import test from 'ava';

import type {Flow, FlowState} from '../../../src/datapath/index.js';
import {icmp, icmpv6, tcp, udp, type Packet} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {
	addresses,
	between,
	families,
	guardEndpoint,
	inward,
	opened,
	outward,
	type Family,
	type GuardedEndpoint,
	type Sent,
} from './guarded-endpoint.js';

const kernel = kernelTest({feature: 'tcx', since: '6.6'});

/** `>` out, `<` back, and the flags of a TCP segment. */
function segments(family: Family, text: string): Sent[] {
	const flow = opened(family, 'tcp');
	return text
		.split(' ')
		.filter(word => word !== '')
		.map(word => (word.startsWith('>') ? flow.forth(word.slice(1)) : flow.back(word.slice(1))));
}

function onlyFlow(t: ExecutionContext, {conntrack}: GuardedEndpoint): Flow {
	const flows = [...conntrack.list()];
	t.is(flows.length, 1);
	const [flow] = flows;
	if (flow === undefined) throw new Error('there is no flow');
	return flow;
}

/** Seconds go by while a test runs. */
function endsIn(t: ExecutionContext, flow: Flow, seconds: number): void {
	t.true(flow.expires <= seconds && flow.expires >= seconds - 3, `expires in ${flow.expires}`);
}

const rows: readonly (readonly [string, FlowState, number, string])[] = [
	['>S', 'opening', 60, ''],
	['>S <SA', 'opening', 60, ''],
	['>S <SA >A', 'established', 8000, 'SeenNonSyn'],
	['>S <SA >A >FA', 'closing', 8000, 'TxClosing SeenNonSyn'],
	['>S <SA >A <FA', 'closing', 8000, 'RxClosing SeenNonSyn'],
	['>S <SA >A >FA <FA >A', 'closed', 10, 'RxClosing TxClosing SeenNonSyn'],
	['>S <RA', 'closed', 10, 'RxClosing TxClosing SeenNonSyn'],
	['>S >R', 'closed', 10, 'RxClosing TxClosing SeenNonSyn'],
	['>S <SA >A <R', 'closing', 8000, 'RxClosing SeenNonSyn'],
	['>A', 'established', 8000, 'SeenNonSyn'],
];

// Programs are loaded once for all rows: it takes longer than running them.
const follows = test.macro({
	async exec(t, family: Family) {
		const endpoint = await guardEndpoint(t);
		const {own, peer} = addresses[family];
		for (const [text, state, seconds, flags] of rows) {
			await endpoint.conntrack.flush();
			endpoint.send(...segments(family, text));
			const flow = onlyFlow(t, endpoint);
			t.is(flow.state, state, text);
			endsIn(t, flow, seconds);
			t.is(flow.flags.join(' '), flags, text);
			t.like(flow, {
				protocol: 'tcp',
				direction: 'out',
				source: own,
				sourcePort: 40_000,
				destination: peer,
				destinationPort: 443,
				family,
				sourceIdentity: 300,
				packets: BigInt(text.split(' ').length),
			});
		}
	},
	title: (_, family) => `IPv${family}: a connection's segments lead to its state and timeout`,
});

const reopens = test.macro({
	async exec(t, family: Family) {
		const endpoint = await guardEndpoint(t);
		for (const ending of ['>FA <FA', '>FA', '<R']) {
			endpoint.send(...segments(family, `>S <SA >A ${ending}`));
			endpoint.send(...segments(family, '>S'));
			const flow = onlyFlow(t, endpoint);
			t.is(flow.state, 'opening', ending);
			t.is(flow.packets, 1n);
			t.is(flow.rxFlagsSeen, 0);
			endsIn(t, flow, 60);
			endpoint.send(...segments(family, '<SA >A'));
			t.is(onlyFlow(t, endpoint).state, 'established');
			await endpoint.conntrack.flush();
		}
	},
	title: (_, family) => `IPv${family}: a SYN opens a connection anew that was closing`,
});

const talks = test.macro({
	async exec(t, family: Family) {
		const endpoint = await guardEndpoint(t);
		for (const transport of ['udp', 'sctp', 'echo'] as const) {
			const {forth, back} = opened(family, transport);
			endpoint.send(forth());
			const asked = onlyFlow(t, endpoint);
			t.is(asked.state, 'unreplied');
			endsIn(t, asked, 60);
			endpoint.send(back());
			const answered = onlyFlow(t, endpoint);
			t.is(answered.state, 'replied');
			t.is(answered.packets, 2n);
			t.is(answered.sourcePort, 40_000);
			t.is(answered.destinationPort, transport === 'echo' ? 0 : 443);
			const icmpName = family === 4 ? 'icmp' : 'icmpv6';
			t.is(answered.protocol, transport === 'echo' ? icmpName : transport);
			t.deepEqual(endpoint.conntrack.get(answered)?.packets, 2n);
			t.true(endpoint.conntrack.delete(answered));
			t.false(endpoint.conntrack.delete(answered));
		}
	},
	title: (_, family) => `IPv${family}: UDP, SCTP and echo are one flow, there and back`,
});

/** An error about a packet, from the given sender to the sender of that packet. */
function unreachable(family: Family, from: string, about: Packet): Packet {
	const to = about.get(family === 4 ? 'ipv4' : 'ipv6')?.source ?? '';
	const error =
		family === 4
			? icmp({type: 'unreachable', code: 'port', original: about})
			: icmpv6({type: 'unreachable', code: 'port', original: about});
	return between(family, from, to, error);
}

const related = test.macro({
	async exec(t, family: Family) {
		const endpoint = await guardEndpoint(t);
		const {peer, router} = addresses[family];
		// Nothing but replies and what is related to flows comes in.
		endpoint.maps.require('endpointSettings').set(7, {policy_revision: 2, flags: 1});
		for (const transport of ['tcp', 'udp', 'sctp', 'echo'] as const) {
			const [, packet] = opened(family, transport).forth('S');
			for (const sender of [peer, router]) {
				const error: Sent = ['in', unreachable(family, sender, packet)];
				t.deepEqual(endpoint.send(error), ['shot'], transport);
				endpoint.send(['out', packet]);
				t.not(endpoint.send(error)[0], 'shot', transport);
				// Errors make no entries.
				t.is(await endpoint.conntrack.flush(), 1);
			}
		}
	},
	title: (_, family) =>
		`IPv${family}: errors belong to the flows they are about, whoever sends them`,
});

const relatedOut = test.macro({
	async exec(t, family: Family) {
		const endpoint = await guardEndpoint(t);
		const {own} = addresses[family];
		const question = inward(family, udp({sourcePort: 5353, destinationPort: 53}));
		endpoint.maps.require('endpointSettings').set(7, {policy_revision: 2, flags: 2});
		t.deepEqual(endpoint.send(['out', unreachable(family, own, question)]), ['shot']);
		endpoint.send(['in', question]);
		t.like(onlyFlow(t, endpoint), {direction: 'in', sourcePort: 5353, destinationPort: 53});
		const [verdict] = endpoint.send(['out', unreachable(family, own, question)]);
		t.not(verdict, 'shot');
	},
	title: (_, family) =>
		`IPv${family}: an endpoint's own error about a flow to it belongs to that flow`,
});

const evicts = test.macro({
	async exec(t, family: Family) {
		const endpoint = await guardEndpoint(t, {entries: 1024});
		const flows = 4096;
		const segment = outward(family, tcp({sourcePort: 1, destinationPort: 443, flags: 'S'}));
		const ports = Array.from({length: flows}, (_, i) => i + 1);
		const verdicts = endpoint.send(
			...ports.map((sourcePort): Sent => ['out', segment.with('tcp', {sourcePort})]),
		);
		t.false(verdicts.includes('shot'));
		const kept = [...endpoint.conntrack.list()].map(({sourcePort}) => sourcePort);
		t.true(kept.length > 512 && kept.length <= 1024, `${kept.length} flows`);
		t.is(new Set(kept).size, kept.length);
		t.true(kept.includes(flows));
		t.false(kept.includes(1));
	},
	title: (_, family) => `IPv${family}: where flows are too many, the oldest make room`,
});

for (const family of families) {
	for (const macro of [follows, reopens, talks, related, relatedOut, evicts])
		kernel(macro, family);
}
