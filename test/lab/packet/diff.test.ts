import test from 'ava';
import fc from 'fast-check';
import {
	diffPackets,
	ethernet,
	formatPacketDiff,
	fragmentPacket,
	icmp,
	ipv4,
	ipv6,
	packet,
	parsePacket,
	tcp,
	udp,
	vlan,
	vxlan,
	type Packet,
} from '../../../src/lab/index.js';
import {samples} from './samples.js';

const plain = packet(ethernet(), ipv4(), udp(), 'x');
const bytes = (length: number, start = 0): Uint8Array =>
	Uint8Array.from({length}, (_, i) => (start + i) & 0xff);

test('packets that are equal have no differences', t => {
	t.deepEqual(diffPackets(packet(ipv4(), udp(), 'x'), packet(ipv4(), udp(), 'x')), []);
});

test('a field that differs is named, lengths and checksums that follow from it are not', t => {
	t.deepEqual(diffPackets(plain, plain.with('ipv4', {ttl: 63})), [
		{layer: 'ipv4', index: 1, field: 'ttl', expected: 64, actual: 63},
	]);
	const differences = diffPackets(plain, plain.withPayload('longer'));
	t.deepEqual(
		differences.map(({layer, field}) => [layer, field]),
		[['payload', 'bytes']],
	);
});

test('a layer more or less is a difference, and only that', t => {
	const tagged = packet(ethernet(), vlan({id: 7}), ipv4(), udp(), 'x');
	const [more, ...rest] = diffPackets(plain, tagged);
	t.deepEqual(rest, []);
	t.like(more, {layer: 'vlan', index: 1, field: 'layer', expected: undefined});
	t.like(more?.actual, {layer: 'vlan', id: 7});
	t.like(diffPackets(tagged, plain), [{layer: 'vlan', field: 'layer', actual: undefined}]);
});

test('an encapsulated packet differs by what is around it', t => {
	const outer = packet(ethernet({source: '02:00:00:00:00:99'}), ipv6(), udp(), vxlan());
	const found = diffPackets(plain, plain.within(outer));

	t.deepEqual(
		found.map(({layer, field, index}) => [layer, field, index]),
		[
			['ethernet', 'layer', 0],
			['ipv6', 'layer', 1],
			['udp', 'layer', 2],
			['vxlan', 'layer', 3],
		],
	);
});

test('another layer is one less and one more', t => {
	const found = diffPackets(packet(ipv4(), udp()), packet(ipv6(), udp()));

	t.like(found, [
		{layer: 'ipv4', field: 'layer', actual: undefined},
		{layer: 'ipv6', field: 'layer', expected: undefined},
	]);
});

const shown = test.macro({
	exec(t, expected: Packet, actual: Packet, ...lines: string[]) {
		const text = formatPacketDiff(diffPackets(expected, actual));
		t.deepEqual(text.split('\n'), lines);
		t.true(lines.every(line => line.length <= 80));
	},
	title: title => `the text shows ${title}`,
});

test(
	'fields under their layer',
	shown,
	plain,
	plain.with('ipv4', {ttl: 63, destination: '198.51.100.9'}).with('udp', {sourcePort: 1}),
	'  ipv4',
	'-   ttl  64',
	'+   ttl  63',
	'-   destination  192.0.2.2',
	'+   destination  198.51.100.9',
	'  udp',
	'-   sourcePort  40000',
	'+   sourcePort  1',
);
test(
	'what is wrong',
	shown,
	plain,
	plain.with('udp', {checksum: 0xdead}),
	'  udp',
	'-   checksum  0x6762',
	'+   checksum  0xdead (wrong, not 0x6762)',
);
test(
	'a layer that is missing and one that was put in',
	shown,
	packet(ethernet(), vlan({id: 7}), ipv4(), udp()),
	packet(ethernet(), ipv4(), udp(), 'more'),
	'- vlan',
	'-   priority      0',
	'-   dropEligible  no',
	'-   id            7',
	'-   tag           0x8100',
	'+ payload',
	'+   bytes  0000  6d 6f 72 65                                      more',
);
test(
	'bytes around the first that differs',
	shown,
	packet(ethernet(), ipv4(), udp(), bytes(100)),
	packet(ethernet(), ipv4(), udp(), bytes(100).fill(0xff, 37, 38)),
	'  payload',
	'    bytes differ from byte 37 on: 100 bytes',
	'-     0020  20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f   !"#$%&\'()*+,-./',
	'      0030  30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?',
	'      0040  40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  @ABCDEFGHIJKLMNO',
	'      … 20 more bytes',
	'+     0020  20 21 22 23 24 ff 26 27 28 29 2a 2b 2c 2d 2e 2f   !"#$.&\'()*+,-./',
);
test(
	'bytes that end early',
	shown,
	packet(ethernet(), ipv4(), udp(), bytes(18)),
	packet(ethernet(), ipv4(), udp(), bytes(16)),
	'  payload',
	'    bytes differ from byte 16 on: 18 bytes expected, 16 there',
	'-     0010  10 11                                            ..',
);
test(
	'options and packets within packets',
	shown,
	packet(ipv4(), icmp({type: 'unreachable', original: packet(ipv4(), udp())})),
	packet(ipv4(), icmp({type: 'unreachable', original: packet(ipv4({ttl: 1}), udp())})),
	'  icmp',
	'    original',
	'      ipv4',
	'-       ttl  64',
	'+       ttl  1',
);
test(
	'options line by line',
	shown,
	packet(ipv4(), tcp({options: [{kind: 'mss', size: 1460}, {kind: 'sackPermitted'}]})),
	packet(ipv4(), tcp({options: [{kind: 'mss', size: 1400}, {kind: 'sackPermitted'}]})),
	'  tcp',
	'-   options  mss size 1460',
	'-            sackPermitted',
	'+   options  mss size 1400',
	'+            sackPermitted',
);

test('packets of other bytes differ, whatever was damaged, and the text fits', t => {
	const whole = Object.values(samples).map(parts => packet(...parts));
	const [cut] = fragmentPacket(packet(ethernet(), ipv4(), udp(), bytes(999)), 500);
	const given = [...whole, cut ?? plain];
	const damage = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), {minLength: 1, maxLength: 4});
	fc.assert(
		fc.property(fc.constantFrom(...given), damage, (original, changes) => {
			const changed = Uint8Array.from(original.bytes);
			for (const [at, value] of changes) if (at < changed.length) changed[at] = value;
			const actual = parsePacket(changed);
			const isEqual = Buffer.compare(original.bytes, changed) === 0;
			const [there, back] = [diffPackets(original, actual), diffPackets(actual, original)];
			const texts = [there, back].map(formatPacketDiff);
			t.deepEqual([there.length === 0, back.length === 0], [isEqual, isEqual]);
			t.true(texts.every(text => (text === '') === isEqual));
			t.true(texts.every(text => text.split('\n').every(line => line.length <= 80)));
		}),
		{numRuns: 500},
	);
});
