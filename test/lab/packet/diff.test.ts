import test from 'ava';
import {diffPackets, formatPacketDiff, ipv4, ipv6, packet, udp} from '../../../src/lab/index.js';

test('packets that are equal have no differences', t => {
	t.deepEqual(diffPackets(packet(ipv4(), udp(), 'x'), packet(ipv4(), udp(), 'x')), []);
});

test('a field that differs is named, checksums that follow from it are not', t => {
	const sent = packet(ipv4(), udp(), 'x');
	const differences = diffPackets(sent, sent.with('ipv4', {ttl: 63}));

	t.deepEqual(differences, [{layer: 'ipv4', index: 0, field: 'ttl', expected: 64, actual: 63}]);
	t.is(formatPacketDiff(differences), 'ipv4 ttl\n- 64\n+ 63');
});

test('another layer is a difference', t => {
	const [first] = diffPackets(packet(ipv4(), udp()), packet(ipv6(), udp()));

	t.like(first, {index: 0, field: 'layer', expected: 'ipv4', actual: 'ipv6'});
});

test('a checksum that is wrong is a difference', t => {
	const sent = packet(ipv4(), udp(), 'x');
	const [only] = diffPackets(sent, sent.with('udp', {checksum: 0xdead}));

	t.like(only, {layer: 'udp', field: 'checksum', actual: 0xdead});
});
