import test from 'ava';
import fc from 'fast-check';

import {readFlow, type PacketFlow} from '../../../src/datapath/index.js';
import {
	ethernet,
	fragment,
	hopByHop,
	icmp,
	ipv4,
	ipv6,
	packet,
	sctp,
	tcp,
	udp,
	vlan,
	type Packet,
} from '../../../src/lab/index.js';

const v4 = {source: '10.0.0.1', destination: '10.0.0.2'};
const v6 = {source: '2001:db8::1', destination: '2001:db8::2'};
const ports = {sourcePort: 4000, destinationPort: 443};
const none = {sourcePort: undefined, destinationPort: undefined};

const reads = test.macro({
	exec(t, from: Packet, flow: PacketFlow, isL3?: boolean) {
		t.deepEqual(readFlow(from.bytes, isL3), flow);
		for (let length = 0; length < from.bytes.length; length++) {
			const cut = readFlow(from.bytes.subarray(0, length), isL3);
			if (cut !== undefined)
				t.like(cut, {source: flow.source, destination: flow.destination});
		}
	},
	title: (_, from: Packet, __, isL3?: boolean) =>
		`${from.toString()} is read${isL3 === true ? ' without Ethernet' : ''}`,
});

const flow4 = {...v4, family: 'ipv4'} as const;
const flow6 = {...v6, family: 'ipv6'} as const;
test(reads, packet(ethernet(), ipv4(v4), tcp(ports)), {...flow4, protocol: 6, ...ports});
test(reads, packet(ethernet(), ipv6(v6), udp(ports)), {...flow6, protocol: 17, ...ports});
test(reads, packet(ethernet(), ipv4(v4), sctp(ports)), {...flow4, protocol: 132, ...ports});
test(reads, packet(ethernet(), ipv4(v4), icmp({})), {...flow4, protocol: 1, ...none});
test(reads, packet(ethernet(), vlan({}), ipv6(v6), tcp(ports)), {
	...flow6,
	protocol: 6,
	...ports,
});
test(reads, packet(ethernet(), ipv6(v6), hopByHop({}), tcp(ports)), {
	...flow6,
	protocol: 6,
	...ports,
});
test(reads, packet(ethernet(), ipv6(v6), fragment({}), udp(ports)), {
	...flow6,
	protocol: 17,
	...ports,
});
test(reads, packet(ethernet(), ipv4({...v4, fragmentOffset: 64, protocol: 17}), 'later'), {
	...flow4,
	protocol: 17,
	...none,
});
test(reads, packet(ipv4(v4), tcp(ports)), {...flow4, protocol: 6, ...ports}, true);
test(reads, packet(ipv6(v6), tcp(ports)), {...flow6, protocol: 6, ...ports}, true);

test('bytes of any kind are read to their end, or not', t => {
	fc.assert(
		fc.property(fc.uint8Array({maxLength: 128}), fc.boolean(), (bytes, isL3) => {
			for (const type of [0x08_00, 0x86_dd, 0x81_00, 0x06_00]) {
				if (bytes.length > 13) bytes.set([type >> 8, type & 255], 12);
				readFlow(bytes, isL3);
			}
		}),
	);
	t.is(readFlow(new Uint8Array(0)), undefined);
	t.is(readFlow(packet(ethernet()).bytes), undefined);
});
