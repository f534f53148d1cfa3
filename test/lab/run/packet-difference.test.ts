import test from 'ava';
import {ethernet, ipv4, ipv6, packet, tcp, udp, vlan, type Packet} from '../../../src/lab/index.js';
import {packetDifference} from '../../../src/lab/run/packet-difference.js';

const differs = test.macro({
	exec(t, first: Packet, second: Packet, ...lines: string[]) {
		const text = packetDifference(first, second) ?? '';
		t.deepEqual(
			text.split('\n').map(line => line.replaceAll(/ +/g, ' ')),
			lines,
		);
	},
	title: title => `the difference shows ${title}`,
});

const plain = packet(ethernet(), ipv4(), udp());
const tagged = packet(ethernet(), vlan({id: 7}), ipv6(), tcp({flags: 'S'}));

test(
	'fields under their layer',
	differs,
	plain,
	packet(ethernet(), ipv4({ttl: 63}), udp()),
	...[' ipv4', '- ttl 64', '+ ttl 63', '- checksum 0xf6cd', '+ checksum 0xf7cd'],
);
test(
	'fields of several layers',
	differs,
	tagged,
	tagged.with('vlan', {id: 8}).with('ipv6', {hopLimit: 1}),
	...[' vlan', '- id 7', '+ id 8', ' ipv6', '- hopLimit 64', '+ hopLimit 1'],
);
test(
	'a layer that was put in',
	differs,
	plain,
	packet(ethernet(), vlan({id: 7}), ipv4(), udp()),
	...[' ethernet', '- etherType 0x0800 ipv4', '+ etherType 0x8100 vlan', '+ vlan'],
	...['+ priority 0', '+ dropEligible no', '+ id 7', '+ etherType 0x0800 ipv4', '+ tag 33024'],
);

test('packets of the same bytes do not differ', t => {
	t.is(packetDifference(plain, packet(ethernet(), ipv4(), udp())), undefined);
});

test('payloads of thousands of lines are compared', t => {
	const [zeros, ones] = [0, 1].map(byte => packet(ethernet(), new Uint8Array(40_000).fill(byte)));
	t.true(zeros && ones && (packetDifference(zeros, ones)?.split('\n').length ?? 0) > 4000);
});
