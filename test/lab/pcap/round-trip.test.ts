import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {
	createPcap,
	encodePcap,
	openPcap,
	readPcap,
	type CapturedPacket,
	type LinkType,
	type PcapFormat,
	type PacketToWrite,
} from '../../../src/lab/index.js';

const options = {numRuns: 150};

const byteOrder = fc.constantFrom('little' as const, 'big' as const);
const sizes = {maxLength: 200};
/** Text that files can hold: no NULs, no halves of characters. */
const text = fc.string({unit: 'grapheme', maxLength: 40}).filter(one => !one.includes('\0'));

const format = fc.record(
	{
		format: fc.constantFrom('pcap' as const, 'pcapng' as const),
		byteOrder,
		interfaces: fc.tuple(
			fc.record(
				{
					name: text,
					description: text,
					linkType: fc.constantFrom<LinkType[]>('ethernet', 'raw', 'linux-sll', 147),
					snapLength: fc.integer({min: 1, max: 300}),
				} as const,
				{requiredKeys: []},
			),
		),
	},
	{requiredKeys: ['format']},
);

const packet = fc
	.record({
		at: fc.bigInt({min: 0n, max: 0xffff_ffffn * 1_000_000_000n}),
		bytes: fc.uint8Array(sizes),
		more: fc.oneof(fc.constant(0), fc.nat(5000)),
		direction: fc.constantFrom(undefined, 'in' as const, 'out' as const),
		comment: fc.option(text, {nil: undefined}),
	})
	.map(({more, ...rest}) => ({...rest, originalLength: rest.bytes.length + more}));

/** What is expected to come back. */
function kept(one: PacketToWrite, {format: kind, interfaces = [{}]}: PcapFormat): CapturedPacket {
	const classic = kind === 'pcap';
	return {
		at: one.at,
		bytes: Uint8Array.from(one.bytes.subarray(0, interfaces[0]?.snapLength ?? 1000)),
		originalLength: one.originalLength ?? one.bytes.length,
		interface: one.interface ?? 0,
		direction: classic ? undefined : one.direction,
		comment: classic ? undefined : one.comment,
	};
}

const plain = (one: CapturedPacket): CapturedPacket => ({
	...one,
	bytes: Uint8Array.from(one.bytes),
});

test('what is written is read back, both formats and byte orders', t => {
	fc.assert(
		fc.property(format, fc.array(packet, {maxLength: 8}), (as, packets) => {
			const read = readPcap(encodePcap(packets, as));
			t.deepEqual(
				[...read].map(plain),
				packets.map(one => kept(one, as)),
			);
			const [described = {}] = as.interfaces ?? [];
			const [found] = read.interfaces;
			t.is(read.format, as.format);
			t.is(found?.linkType, described.linkType ?? 'ethernet');
			t.is(found?.snapLength, described.snapLength ?? 262_144);
			t.is(found?.ticksPerSecond, 1_000_000_000n);
			if (as.format === 'pcapng') {
				t.is(found?.name, described.name);
				t.is(found?.description, described.description);
			}
		}),
		options,
	);
});

test('pcap of microseconds keeps microseconds', t => {
	fc.assert(
		fc.property(packet, byteOrder, (one, order) => {
			const as = {format: 'pcap', resolution: 'micro', byteOrder: order} as const;
			const [read] = readPcap(encodePcap([one], as));
			t.is(read?.at, one.at - (one.at % 1000n));
		}),
		options,
	);
});

test('a stream in pieces of any size gives what the whole gives', async t => {
	const cut = fc.infiniteStream(fc.integer({min: 1, max: 60}));
	const property = fc.asyncProperty(
		format,
		fc.array(packet, {maxLength: 6}),
		cut,
		async (as, packets, lengths) => {
			const bytes = encodePcap(packets, as);
			async function* pieces(): AsyncGenerator<Uint8Array> {
				// The same memory for each piece: who reads must have copied.
				const reused = new Uint8Array(60);
				for (let at = 0; at < bytes.length;) {
					const [length = 1] = [...lengths.take(1)];
					const piece = bytes.subarray(at, at + length);
					reused.set(piece);
					yield await Promise.resolve(reused.subarray(0, piece.length));
					at += piece.length;
				}
			}

			const read = [];
			for await (const one of openPcap(pieces())) read.push(one);
			t.deepEqual(read, [...readPcap(bytes)].map(plain));
		},
	);
	await fc.assert(property, options);
});

const several = test.macro({
	async exec(t, name: string, as: PcapFormat) {
		const folder = mkdtempSync(join(tmpdir(), 'skep-pcap-'));
		t.teardown(() => rmSync(folder, {recursive: true}));
		const path = join(folder, name);
		const packets = Array.from({length: 400}, (_, i) => ({
			at: 1_700_000_000_123_456_789n + BigInt(i),
			bytes: new Uint8Array(i).fill(i),
		}));
		{
			await using writer = await createPcap(path, as);
			for (const one of packets) await writer.write(one);
			t.is(writer.packets, packets.length);
		}

		const reader = openPcap(path);
		const read = [];
		for await (const one of reader) read.push(one);
		t.deepEqual(
			read.map(({at, bytes}) => ({at, bytes})),
			packets,
		);
		t.is(reader.format, name.endsWith('.pcap') ? 'pcap' : 'pcapng');
		t.deepEqual(
			new Uint8Array(await readFile(path)),
			Uint8Array.from(
				encodePcap(packets, {
					format: name.endsWith('.pcap') ? 'pcap' : 'pcapng',
					...as,
				}),
			),
		);
	},
	title: (_, name) => `a file is written and read packet by packet: ${name}`,
});

test(several, 'a.pcap', {});
test(several, 'a.pcapng', {});
test(several, 'a.cap', {byteOrder: 'big'});

test('interfaces can be added to pcapng while it is written', async t => {
	const folder = mkdtempSync(join(tmpdir(), 'skep-pcap-'));
	t.teardown(() => rmSync(folder, {recursive: true}));
	const path = join(folder, 'a.pcapng');
	const writer = await createPcap(path, {interfaces: [{name: 'eth0'}]});
	await writer.write({at: 1n, bytes: Uint8Array.of(1)});
	const second = writer.addInterface({name: 'tun0', linkType: 'raw'});
	await writer.write({at: 2n, bytes: Uint8Array.of(2), interface: second});
	await writer.close();

	const reader = openPcap(path);
	const read = [];
	for await (const one of reader) read.push(reader.interfaces[one.interface]?.name);
	t.deepEqual(read, ['eth0', 'tun0']);
	t.deepEqual(
		reader.interfaces.map(({linkType}) => linkType),
		['ethernet', 'raw'],
	);
});

test('a packet without a time stays one', t => {
	const bytes = encodePcap(
		[
			{at: undefined, bytes: Uint8Array.of(1, 2, 3)},
			{at: undefined, bytes: new Uint8Array(40).fill(7)},
		],
		{interfaces: [{snapLength: 20}]},
	);

	t.deepEqual(
		[...readPcap(bytes)].map(({at, bytes: {length}, originalLength}) => [
			at,
			length,
			originalLength,
		]),
		[
			[undefined, 3, 3],
			[undefined, 20, 40],
		],
	);
});

test('a written file can be read while it is being written, after each flush', async t => {
	const folder = mkdtempSync(join(tmpdir(), 'skep-pcap-'));
	t.teardown(() => rmSync(folder, {recursive: true}));
	for (const name of ['a.pcap', 'a.pcapng']) {
		const path = join(folder, name);
		writeFileSync(path, 'what was there before');
		await using writer = await createPcap(path);
		for (let i = 0; i < 4; i++) {
			const read = readPcap(await readFile(path));
			t.is([...read].length, i);
			await writer.write({at: BigInt(i), bytes: new Uint8Array(i)});
			await writer.flush();
		}
	}
});
