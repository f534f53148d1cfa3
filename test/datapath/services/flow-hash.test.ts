import {fileURLToPath} from 'node:url';
import fc from 'fast-check';
import test from 'ava';

import {parseIpv4, parseIpv6} from '../../../src/base/address.js';
import {maglevPick, maglevTable} from '../../../src/datapath/index.js';
import {
	flowHash,
	jhashFinal,
	jhashMix,
	jhashStart,
	type Lanes,
	type MaglevFlow,
} from '../../../src/datapath/services/flow-hash.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {readObject} from '../../../src/spec/read.js';
import {compile} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'test runs of tc programs', since: '4.12'});

/** Of bytes, as the hash was published. */
function hashBytes(text: string, seed: number): number {
	const bytes = Buffer.from(text);
	const start = (jhashStart + bytes.length + seed) | 0;
	let lanes: Lanes = [start, start, start];
	let at = 0;
	const add = (): void => {
		const part = Buffer.alloc(12);
		bytes.copy(part, 0, at, at + 12);
		lanes = [0, 1, 2].map(i => ((lanes[i] ?? 0) + part.readInt32LE(i * 4)) | 0) as Lanes;
	};
	for (; bytes.length - at > 12; at += 12) {
		add();
		lanes = jhashMix(lanes);
	}

	add();
	return jhashFinal(lanes);
}

test('the hash is the published one', t => {
	t.is(hashBytes('Four score and seven years ago', 0), 0x17770551);
	t.is(hashBytes('Four score and seven years ago', 1), 0xcd628161);
});

/** Packet, family and what follows in bytes: the client, both ports, the protocol. */
const source = `
#include "lib/hash.h"

SEC("tc") int hash(struct __sk_buff *skb)
{
	struct packet packet = {};
	__u8 bytes[24] = {};

	if (bpf_skb_load_bytes(skb, 0, bytes, sizeof(bytes)))
		return 0;
	__builtin_memcpy(&packet.saddr, bytes, 16);
	__builtin_memcpy(&packet.sport, bytes + 16, 2);
	__builtin_memcpy(&packet.dport, bytes + 18, 2);
	packet.protocol = bytes[20];
	return bytes[21] ? flow_hash(&packet, IPV6, packet.sport)
			 : flow_hash(&packet, IPV4, packet.sport);
}

char LICENSE[] SEC("license") = "GPL";
`;

kernel('programs hash the flows of both families the same', async t => {
	const bpf = fileURLToPath(new URL('../../../../bpf', import.meta.url));
	const spec = await readObject(await compile(source, [`-I${bpf}`, '-Wno-unused']));
	using collection = loadCollection(spec);
	const program = collection.program('hash');
	const inKernel = ({client, clientPort = 0, port, protocol}: MaglevFlow): number => {
		const data = Buffer.alloc(64);
		const isSix = client.includes(':');
		data.set(isSix ? parseIpv6(client) : parseIpv4(client));
		data.writeUInt16BE(clientPort, 16);
		data.writeUInt16BE(port, 18);
		data[20] = Number(protocol);
		data[21] = Number(isSix);
		return program.run({data}).returnValue;
	};
	const port = fc.integer({min: 0, max: 65_535});
	const flow = fc.record({
		client: fc.oneof(fc.ipV4(), fc.ipV6()),
		...{clientPort: port, port},
		protocol: fc.constantFrom(6, 17, 132),
	});
	fc.assert(
		fc.property(flow, each => {
			t.is(flowHash(each), inKernel(each));
		}),
	);
});

test('a flow goes to the backend in its place', async t => {
	const backends = ['10.1.0.1', '10.1.0.2', '10.1.0.3'].map(address => ({address, port: 80}));
	const table = await maglevTable(backends, {size: 251});
	const flow = {client: '192.0.2.7', clientPort: 4000, port: 80};
	const id = table.ids[flowHash(flow) % 251];
	t.is(maglevPick(table, flow)?.id, id);
	const counts = new Map<number, number>();
	for (let clientPort = 1; clientPort < 3001; clientPort++) {
		const picked = maglevPick(table, {...flow, clientPort})?.id ?? 0;
		counts.set(picked, (counts.get(picked) ?? 0) + 1);
	}

	for (const count of counts.values()) t.true(Math.abs(count - 1000) < 150, String(count));
	t.throws(() => flowHash({...flow, port: 70_000}), {code: 'ERR_USAGE'});
});
