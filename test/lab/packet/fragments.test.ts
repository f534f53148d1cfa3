import test from 'ava';
import fc from 'fast-check';
import {
	destinationOptions,
	ethernet,
	fragment,
	fragmentPacket,
	hopByHop,
	icmp,
	icmpv6,
	ipv4,
	ipv6,
	lab,
	packet,
	padding,
	parsePacket,
	reassemble,
	routing,
	tcp,
	udp,
	vlan,
	type Packet,
	type PacketPart,
} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'network namespaces and cgroup v2', since: '5.3'});

const heads: readonly (readonly PacketPart[])[] = [
	[ethernet(), ipv4({identification: 7})],
	[ipv4({identification: 8, ttl: 3, ecn: 1})],
	[
		ethernet(),
		vlan({id: 5}),
		ipv4({
			identification: 9,
			options: [
				{kind: 'routerAlert', value: 0},
				{kind: 'recordRoute', pointer: 4, addresses: ['0.0.0.0']},
			],
		}),
	],
	[ethernet(), ipv6({flowLabel: 5})],
	[ipv6(), hopByHop({options: [{type: 5, data: new Uint8Array(2)}]}), destinationOptions()],
	[ethernet(), ipv6(), destinationOptions(), routing({segments: ['2001:db8::9']})],
];
const bytesOf = (length: number): Uint8Array =>
	Uint8Array.from({length}, (_, i) => (i * 7 + (i >> 8)) & 0xff);
const originals = fc
	.tuple(fc.constantFrom(...heads), fc.constantFrom(udp(), tcp({flags: 'A'})), fc.nat(5000))
	.map(([head, transport, size]) => packet(...head, transport, bytesOf(size)));
const hexes = (packets: readonly Packet[]): string[] =>
	packets.map(({bytes}) => Buffer.from(bytes).toString('hex')).sort();

test('fragments fit, are sound, and give the packet again in any order', t => {
	fc.assert(
		fc.property(
			originals,
			fc.integer({min: 120, max: 1500}),
			fc.nat(),
			(original, mtu, turn) => {
				const fragments = fragmentPacket(original, mtu);
				for (const one of fragments) {
					if (one.networkBytes.length > mtu) throw new Error(`too large: ${String(one)}`);
					if (!one.isSound) throw new Error(`not sound: ${one.format()}`);
				}

				const at = turn % fragments.length;
				const turned = [...fragments.slice(at), ...fragments.slice(0, at).reverse()];
				const [whole, ...more] = reassemble(turned);
				t.is(more.length, 0);
				t.deepEqual(whole?.bytes, original.bytes);
			},
		),
		{numRuns: 200},
	);
});

test('fragments of fragments and of several packets give the packets again', t => {
	fc.assert(
		fc.property(fc.uniqueArray(originals, {maxLength: 4, selector: keyOf}), given => {
			const pieces = given
				.flatMap((one, i) => fragmentPacket(one, 900, {identification: i}))
				.flatMap(one => fragmentPacket(one, 400))
				.reverse();
			const wanted = given.map((one, i) =>
				one.get('ipv4') && one.networkBytes.length > 900
					? one.with('ipv4', {identification: i})
					: one,
			);
			t.deepEqual(hexes(reassemble(pieces)), hexes(wanted));
		}),
		{numRuns: 100},
	);
});

/** Packets that are taken apart a second time only keep the identification they have. */
function keyOf(one: Packet): string {
	return `${one.layers.length} ${one.networkBytes.length}`;
}

const large = packet(ethernet(), ipv4({identification: 3}), udp(), bytesOf(2000));

test('the first fragment shows the header, all show where they belong', t => {
	t.deepEqual(fragmentPacket(large, 1000).map(String), [
		'192.0.2.1 > 192.0.2.2 fragment of udp id 3 at 0+ port 40000 > 53 udp length 968',
		'192.0.2.1 > 192.0.2.2 fragment of udp id 3 at 976+ length 976',
		'192.0.2.1 > 192.0.2.2 fragment of udp id 3 at 1952 length 56',
	]);
});

test('options that routers do not need are in the first fragment only', t => {
	const options = [
		{kind: 'recordRoute', pointer: 4, addresses: ['0.0.0.0']},
		{kind: 'routerAlert', value: 0},
	] as const;
	const fragments = fragmentPacket(packet(ipv4({options}), udp(), bytesOf(200)), 100);

	t.deepEqual(
		fragments.map(one => one.get('ipv4')?.options.map(({kind}) => kind)),
		[['recordRoute', 'routerAlert'], ['routerAlert'], ['routerAlert']],
	);
});

test('a packet that fits is given as it is', t => {
	t.deepEqual(fragmentPacket(large, 2028), [large]);
	t.is(fragmentPacket(large, 2027).length, 2);
	const short = packet(ethernet(), ipv4(), udp(), padding({bytes: new Uint8Array(18)}));
	t.deepEqual(fragmentPacket(short, 28), [short]);
});

const refused = test.macro({
	exec(t, given: Packet, mtu: number, message: RegExp) {
		t.throws(() => fragmentPacket(given, mtu), {code: 'ERR_USAGE', message});
	},
	title: title => `${title} is refused`,
});
test(
	'what must not be taken apart',
	refused,
	large.with('ipv4', {dontFragment: true}),
	500,
	/not to/,
);
test('what is no IP packet', refused, packet(ethernet(), 'x'), 500, /no IP header/);
test('an MTU without room', refused, large, 27, /no room for 8 bytes in an MTU of 27/);

test('fragments that lack others, overlap or contradict stay as they are', t => {
	const [first, second, third] = fragmentPacket(large, 1000);
	t.truthy(first && second && third);
	if (!first || !second || !third) return;
	const missing = [first, third];
	t.deepEqual(reassemble(missing), missing);
	const other = second.withPayload(bytesOf(976).reverse());
	t.deepEqual(reassemble([first, second, other, third]), [first, second, other, third]);
	const overlapping = second.with('ipv4', {fragmentOffset: 968});
	t.deepEqual(reassemble([first, overlapping, third]), [first, overlapping, third]);
	const elsewhere = third.with('ipv4', {source: '192.0.2.9'});
	t.deepEqual(reassemble([first, second, elsewhere]), [first, second, elsewhere]);
});

test('a fragment that came twice counts once, and whole packets keep their place', t => {
	const [first, second, third] = fragmentPacket(large, 1000);
	t.truthy(first && second && third);
	if (!first || !second || !third) return;
	const before = packet(ethernet(), ipv4(), 'before');
	const after = packet(ethernet(), ipv6(), 'after');

	const put = reassemble([before, first, second, second, third, after]);

	t.deepEqual(put.map(String), [before, second, large, after].map(String));
	t.deepEqual(put[2]?.bytes, large.bytes);
});

test('a fragment header that is alone is taken away', t => {
	const alone = packet(ipv6(), fragment({identification: 5}), udp(), 'x');

	t.deepEqual(reassemble([alone])[0]?.bytes, packet(ipv6(), udp(), 'x').bytes);
});

test('any bytes are put together or left', t => {
	const header = {identification: 1, protocol: 17};
	const piece = fc
		.tuple(fc.nat(40), fc.boolean(), fc.nat(40))
		.map(([at, moreFragments, size]) =>
			packet(ipv4({...header, fragmentOffset: at * 8, moreFragments}), bytesOf(size * 4)),
		);
	fc.assert(
		fc.property(fc.array(piece, {maxLength: 12}), pieces => {
			t.true(reassemble(pieces).length <= pieces.length);
		}),
		{numRuns: 300},
	);
});

for (const family of ['ipv4', 'ipv6'] as const) {
	kernel(
		`the kernel takes fragments made by hand, and its own are read, by ${family}`,
		async t => {
			await using net = await lab({
				hosts: ['a', 'b'],
				links: [{between: ['a', 'b'], offloads: false}],
			});
			const {a, b} = net.hosts;
			const [mine, theirs] = [a.interfaces[0]?.mac, b.interfaces[0]?.mac];
			const addresses = {source: a[family], destination: b[family]};
			const request = packet(
				ethernet({source: mine, destination: theirs}),
				family === 'ipv4' ? ipv4({...addresses, identification: 99}) : ipv6(addresses),
				family === 'ipv4' ? icmp({identifier: 6}) : icmpv6({identifier: 6}),
				bytesOf(4000),
			);
			using capture = a.capture('eth0', {direction: 'in'});

			for (const one of fragmentPacket(request, 1300).reverse()) a.inject('eth0', one.bytes);

			const isLast = (one: Packet): boolean =>
				(one.get('fragment') ?? one.get('ipv4'))?.moreFragments === false;
			const frames: Packet[] = [];
			for await (const {bytes} of capture) {
				const one = parsePacket(bytes);
				if (!one.get('fragment') && !one.get('ipv4')) continue;
				t.true(one.isSound);
				frames.push(one);
				if (isLast(one)) break;
			}

			t.is(frames.length, 3);
			const [reply, ...more] = reassemble(frames);
			t.is(more.length, 0);
			const message = reply?.get('icmp') ?? reply?.get('icmpv6');
			t.is(message?.identifier, 6);
			t.deepEqual(reply?.payload, request.payload);
			t.true(reply?.isSound);
		},
	);
}
