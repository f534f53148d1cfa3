/** Flows and their places in Maglev tables. */

import test from 'ava';
import fc from 'fast-check';

import {runPackets} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {closeGuardedNodes, guardedNode} from './guarded-node.js';
import {families, type Family} from './people.js';
import {installMaglev, installService} from './services.js';

const kernel = kernelTest({feature: 'test runs of tcx programs', since: '6.6'});

test.after.always(closeGuardedNodes);

const size = 251;

const rotate = (word: number, bits: number): number =>
	((word << bits) | (word >>> (32 - bits))) >>> 0;

/** Jenkins' steps, each of which changes one of three words: which, from which, by which rotation. */
function mix(words: readonly number[]): number[] {
	let [a = 0, b = 0, c = 0] = words;
	for (const [i, bits] of [4, 6, 8, 16, 19, 4].entries()) {
		// a, b and c take turns.
		if (i % 3 === 0) [a, c] = [((a - c) ^ rotate(c, bits)) >>> 0, (c + b) >>> 0];
		else if (i % 3 === 1) [b, a] = [((b - a) ^ rotate(a, bits)) >>> 0, (a + c) >>> 0];
		else [c, b] = [((c - b) ^ rotate(b, bits)) >>> 0, (b + a) >>> 0];
	}

	return [a, b, c];
}

function final(words: readonly number[]): number {
	const w = [...words];
	const at = (i: number): number => w[i] ?? 0;
	for (const [i, bits] of [14, 11, 25, 16, 4, 14, 24].entries()) {
		// c by b, a by c, b by a, and again.
		const [to, by] = [
			[2, 1],
			[0, 2],
			[1, 0],
		][i % 3] as [number, number];
		w[to] = ((at(to) ^ at(by)) - rotate(at(by), bits)) >>> 0;
	}

	return at(2);
}

/** A word as the machine reads it from four bytes of a packet. */
const wordsOf = (bytes: Uint8Array): number[] =>
	Array.from({length: bytes.length / 4}, (_, i) => Buffer.from(bytes).readUInt32LE(i * 4));

const swap = (port: number): number => ((port & 0xff) << 8) | (port >> 8);

function place(client: Uint8Array, sourcePort: number, port: number, protocol: number): number {
	const ports = ((swap(port) << 16) | swap(sourcePort)) >>> 0;
	const [w0 = 0, ...rest] = wordsOf(client);
	if (client.length === 4) {
		const start = (0x71dc_da46 + 0xdead_beef + 12) >>> 0;
		return final([w0, ports, protocol].map(word => (word + start) >>> 0)) % size;
	}

	const [w1 = 0, w2 = 0, w3 = 0] = rest;
	const [a = 0, b = 0, c = 0] = mix([w0, w1, w2]);
	const next = mix([(a + w3) >>> 0, (b + ports) >>> 0, (c + protocol) >>> 0]);
	const [x = 0, y = 0, z = 0] = next;
	return final([(x + 0x9250_5688) >>> 0, y, z]) % size;
}

const addressBytes = (packet: {readonly networkBytes: Uint8Array}, f: Family): Uint8Array =>
	packet.networkBytes.slice(...(f.is6 ? [8, 24] : [12, 16]));

const agrees = test.macro({
	async exec(t, f: Family, affinity: boolean) {
		const node = await guardedNode(t, {
			services: {algorithm: 'maglev', maglevSize: size, nodePort: true},
		});
		const flags = [
			'loadBalancer',
			'routable',
			...(affinity ? ['affinity' as const] : []),
		] as const;
		// Each place has a backend of its own, which differ in their ports.
		const backends = Array.from({length: size}, (_, i) => ({
			...{id: 1000 + i, at: 'red' as const, port: 20_000 + i},
		}));
		const id = (f.is6 ? 20 : 10) + Number(affinity);
		for (const protocol of [6, 17]) {
			installService(node, f, {id, flags, backends, protocol, port: 8443});
		}

		installMaglev(
			t,
			node,
			f,
			id,
			backends.map(backend => backend.id),
		);
		const others = ['world', 'lab', 'room', 'desk', 'node'] as const;
		fc.assert(
			fc.property(
				fc.constantFrom(...others),
				fc.integer({min: 1, max: 65_535}),
				fc.boolean(),
				(from, sourcePort, tcp) => {
					const ends = {from, to: 'service' as const, sourcePort, destinationPort: 8443};
					const packet = tcp ? f.tcp({...ends, flags: 'S'}) : f.udp(ends);
					const [run] = runPackets(node.programs.from_netdev, [{packet}], {maps: []});
					const out = run?.out;
					const port =
						out?.get('tcp')?.destinationPort ?? out?.get('udp')?.destinationPort;
					const client = addressBytes(packet, f);
					const counts = affinity ? 0 : sourcePort;
					return port === 20_000 + place(client, counts, 8443, tcp ? 6 : 17);
				},
			),
			{numRuns: 60},
		);
		t.pass();
	},
	title: (_: string | undefined, f: Family, affinity: boolean) =>
		`${f.name}: the place of a flow is the hash of its ends` +
		(affinity ? ', with affinity without the port' : ''),
});

for (const f of families) {
	kernel(agrees, f, false);
	kernel(agrees, f, true);
}
