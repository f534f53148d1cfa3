import test from 'ava';
import {PcapError, readPcap, type CapturedPacket} from '../../../src/lab/index.js';
import {Blocks} from './blocks.js';

const text = (one: string): Uint8Array => new TextEncoder().encode(one);
const data = Uint8Array.of(1, 2, 3, 4, 5);

/** What a file of these pieces gives. */
function read(...pieces: readonly Uint8Array[]) {
	const reader = readPcap(Buffer.concat(pieces));
	const packets: CapturedPacket[] = [...reader];
	return {reader, packets};
}

const orders = [true, false].map(littleEndian => new Blocks(littleEndian));

test('names, link types and limits of several interfaces are read', t => {
	for (const make of orders) {
		const {reader, packets} = read(
			make.section(),
			make.interface(1, 96, make.option(2, text('eth0\0')), make.option(3, text('uplink'))),
			make.interface(276, 0, make.option(2, text('any')), make.option(0, text(''))),
			make.packet(1, 5n, data),
			make.packet(0, 6n, data),
		);
		t.deepEqual(reader.interfaces, [
			{
				name: 'eth0',
				description: 'uplink',
				linkType: 'ethernet',
				snapLength: 96,
				ticksPerSecond: 1_000_000n,
				section: 0,
			},
			{
				name: 'any',
				description: undefined,
				linkType: 'linux-sll2',
				snapLength: 0,
				ticksPerSecond: 1_000_000n,
				section: 0,
			},
		]);
		t.deepEqual(
			packets.map(one => [one.interface, one.at]),
			[
				[1, 5000n],
				[0, 6000n],
			],
		);
	}
});

const stamped = test.macro({
	exec(t, _: string, resolution: number, offset: bigint, ticks: bigint, at: bigint) {
		for (const make of orders) {
			const {packets} = read(
				make.section(),
				make.interface(
					1,
					0,
					make.option(9, Uint8Array.of(resolution)),
					make.option(14, make.fields([64, offset])),
				),
				make.packet(0, ticks, data),
			);
			t.is(packets[0]?.at, at);
		}
	},
	title: (_, what) => `time stamps count ${what}`,
});

test(stamped, 'seconds', 0, 0n, 1_700_000_000n, 1_700_000_000_000_000_000n);
test(stamped, 'milliseconds', 3, 0n, 1_700_000_000_123n, 1_700_000_000_123_000_000n);
test(stamped, 'nanoseconds', 9, 0n, 1_700_000_000_123_456_789n, 1_700_000_000_123_456_789n);
test(stamped, 'picoseconds', 12, 0n, 12_345n, 12n);
test(stamped, 'halves of halves', 0x82, 0n, 7n, 1_750_000_000n);
test(stamped, '2^-20 seconds', 0x80 | 20, 0n, 3n << 19n, 1_500_000_000n);
test(stamped, 'what is too fine for anybody', 127, 0n, 0xffff_ffff_ffffn, 0n);
test(stamped, 'from an offset', 6, 1_700_000_000n, 5n, 1_700_000_000_000_005_000n);
test(stamped, 'from before 1970', 6, -10n, 1_000_000n, -9_000_000_000n);

test('comments and directions are read, other options passed over', t => {
	for (const make of orders) {
		const flags = (bits: number): Uint8Array => make.option(2, make.fields([32, bits]));
		const {packets} = read(
			make.section(),
			make.interface(1, 0),
			make.packet(0, 0n, data, make.option(1, text('first')), flags(1)),
			make.packet(0, 0n, data, flags(0x106), make.option(4, make.fields([64, 9]))),
			make.packet(
				0,
				0n,
				data,
				make.option(1, text('a')),
				make.option(1, text('b')),
				flags(0),
			),
			make.packet(0, 0n, data, make.option(0, text('')), make.option(1, text('behind'))),
		);
		t.deepEqual(
			packets.map(one => [one.direction, one.comment]),
			[
				['in', 'first'],
				['out', undefined],
				[undefined, 'a\nb'],
				[undefined, undefined],
			],
		);
	}
});

test('obsolete packets are read', t => {
	for (const make of orders) {
		const {packets} = read(
			make.section(),
			make.interface(1, 0),
			make.block(
				2,
				make.fields([16, 0], [16, 7], [32, 1], [32, 2], [32, 5], [32, 60]),
				Uint8Array.of(...data, 0, 0, 0),
				make.option(1, text('old')),
			),
		);
		t.deepEqual(
			packets.map(one => ({...one, bytes: [...one.bytes]})),
			[
				{
					at: ((1n << 32n) + 2n) * 1000n,
					bytes: [...data],
					originalLength: 60,
					interface: 0,
					direction: undefined,
					comment: 'old',
				},
			],
		);
	}
});

test('simple packets are as long as their interface keeps', t => {
	for (const make of orders) {
		const {packets} = read(
			make.section(),
			make.interface(1, 4),
			make.block(3, make.fields([32, 60]), data.subarray(0, 4)),
			make.block(3, make.fields([32, 3]), data.subarray(0, 3)),
		);
		t.deepEqual(
			packets.map(({at, bytes, originalLength}) => [at, [...bytes], originalLength]),
			[
				[undefined, [1, 2, 3, 4], 60],
				[undefined, [1, 2, 3], 3],
			],
		);
	}
});

test('other blocks are passed over and counted', t => {
	for (const make of orders) {
		const {reader, packets} = read(
			make.section(),
			make.interface(1, 0),
			make.block(4, make.fields([16, 0], [16, 0])),
			make.block(5, make.fields([32, 0], [64, 0])),
			make.block(0xbad, make.fields([32, 1], [32, 2])),
			make.block(0x4000_0bad, make.fields([32, 1])),
			make.block(0xa, new Uint8Array(100)),
			make.block(0x1234),
			make.packet(0, 0n, data),
		);
		t.is(packets.length, 1);
		t.deepEqual(reader.skipped, {statistics: 1, names: 1, custom: 2, other: 2});
	}
});

test('sections have interfaces and a byte order of their own', t => {
	const [little, big] = orders as [Blocks, Blocks];
	const {reader, packets} = read(
		little.section(),
		little.interface(1, 0, little.option(2, text('a'))),
		little.interface(1, 0, little.option(2, text('b'))),
		little.packet(1, 1n, data),
		big.section(),
		big.interface(101, 0, big.option(2, text('c'))),
		big.packet(0, 2n, data),
	);

	t.deepEqual(
		packets.map(one => [reader.interfaces[one.interface]?.name, one.at]),
		[
			['b', 1000n],
			['c', 2000n],
		],
	);
	t.deepEqual(
		reader.interfaces.map(one => one.section),
		[0, 0, 1],
	);
});

const refused = test.macro({
	exec(t, _: string, offset: number, message: RegExp, build: (make: Blocks) => Uint8Array[]) {
		for (const make of orders) {
			const file = Buffer.concat([make.section(), ...build(make)]);
			const error = t.throws(() => [...readPcap(file)], {instanceOf: PcapError, message});
			t.is(error.code, 'ERR_PCAP');
			t.is(error.offset, offset);
			t.false(error.truncated);
		}
	},
	title: (_, what) => `refused: ${what}`,
});

test(refused, 'a packet before any interface', 28, /packet block of interface 0/, make => [
	make.packet(0, 0n, data),
]);
test(refused, 'an interface of the section before', 76, /of interface 0, which/, make => [
	make.interface(1, 0),
	make.section(),
	make.packet(0, 0n, data),
]);
test(refused, 'a simple packet before any interface', 28, /of interface 0/, make => [
	make.block(3, make.fields([32, 1]), data),
]);
test(refused, 'a length that is no multiple of four', 28, /length of 13 bytes/, make => [
	make.fields([32, 5], [32, 13], [32, 0], [32, 13]),
]);
test(refused, 'a length that does not go on', 28, /length of 0 bytes/, make => [
	make.fields([32, 5], [32, 0], [32, 0]),
]);
test(refused, 'lengths that differ', 28, /block of 12 bytes that ends as one of 16/, make => [
	make.fields([32, 5], [32, 12], [32, 16]),
]);
test(refused, 'a section without byte order', 28, /without byte-order magic/, make => [
	make.block(0x0a0d0d0a, make.fields([32, 5], [32, 5], [32, 5], [32, 5])),
]);
test(refused, 'a section of a future version', 28, /of version 2\.0/, make => [
	make.block(0x0a0d0d0a, make.fields([32, 0x1a2b3c4d], [16, 2], [16, 0], [64, -1])),
]);
test(refused, 'a section without fields', 28, /section header block with a length of 12/, make => [
	make.fields([32, 0x0a0d0d0a], [32, 12], [32, 0x1a2b3c4d]),
]);
test(refused, 'an interface without fields', 28, /interface block too short/, make => [
	make.block(1),
]);
test(refused, 'a packet without fields', 48, /packet block too short/, make => [
	make.interface(1, 0),
	make.block(6, make.fields([32, 0])),
]);
test(refused, 'a packet that is longer than its block', 48, /too short for 9 bytes/, make => [
	make.interface(1, 0),
	make.block(6, make.fields([32, 0], [64, 0], [32, 9], [32, 9], [64, 0])),
]);
test(refused, 'a packet with more than it had', 48, /with 8 bytes of 7/, make => [
	make.interface(1, 0),
	make.block(6, make.fields([32, 0], [64, 0], [32, 8], [32, 7], [64, 0])),
]);
test(refused, 'an option that leaves its block', 48, /option 1 of 5 bytes, which leaves/, make => [
	make.interface(1, 0),
	make.packet(0, 0n, data, make.fields([16, 1], [16, 5], [32, 0])),
]);
test(refused, 'a time resolution of two bytes', 28, /option 9 of 2 bytes, not 1/, make => [
	make.interface(1, 0, make.option(9, Uint8Array.of(6, 6))),
]);
test(refused, 'a time offset of four bytes', 28, /option 14 of 4 bytes, not 8/, make => [
	make.interface(1, 0, make.option(14, make.fields([32, 0]))),
]);
test(refused, 'flags of one byte', 48, /option 2 of 1 bytes, not 4/, make => [
	make.interface(1, 0),
	make.packet(0, 0n, data, make.option(2, Uint8Array.of(1))),
]);
test(
	refused,
	'a packet too long to be one',
	48,
	/packet block with a length of 2147483648/,
	make => [make.interface(1, 0), make.fields([32, 6], [32, 0x8000_0000], [32, 0])],
);

test('refused: interfaces without end', t => {
	const [make] = orders as [Blocks, Blocks];
	const many = Array.from({length: 53_000}, () => make.interface(1, 0));
	const error = t.throws(() => [...readPcap(Buffer.concat([make.section(), ...many]))]);
	t.regex(error.message, /interfaces take over 1048576 bytes/);
});
