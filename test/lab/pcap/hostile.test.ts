import test from 'ava';
import fc from 'fast-check';
import {
	encodePcap,
	openPcap,
	PcapError,
	readPcap,
	type CapturedPacket,
	type PcapFormat,
} from '../../../src/lab/index.js';
import {fields, type Field} from './blocks.js';

const packets = [3, 0, 14, 61].map((size, i) => ({
	at: BigInt(i) * 1_000_000_001n,
	bytes: new Uint8Array(size).fill(i),
	comment: `number ${i}`,
	direction: 'in' as const,
}));

interface Outcome {
	readonly packets: readonly CapturedPacket[];
	readonly error: unknown;
}

function readWhole(bytes: Uint8Array): Outcome {
	const read: CapturedPacket[] = [];
	try {
		for (const one of readPcap(bytes)) read.push({...one, bytes: Uint8Array.from(one.bytes)});
	} catch (error) {
		return {packets: read, error};
	}

	return {packets: read, error: undefined};
}

async function readStream(source: AsyncIterable<Uint8Array>): Promise<Outcome> {
	const read: CapturedPacket[] = [];
	try {
		for await (const one of openPcap(source)) read.push(one);
	} catch (error) {
		return {packets: read, error};
	}

	return {packets: read, error: undefined};
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
	yield await Promise.resolve(bytes);
}

const cutAnywhere = test.macro({
	async exec(t, as: PcapFormat) {
		const file = encodePcap(packets, as);
		// Where a file may end: behind the header, and behind each packet.
		const ends = packets.map((_, i) => encodePcap(packets.slice(0, i), as).length);
		// In pcapng, the header is two blocks.
		const whole = new Set(as.format === 'pcapng' ? [28, ...ends] : ends);
		const {packets: all} = readWhole(file);
		for (let size = 0; size < file.length; size++) {
			const cut = file.subarray(0, size);
			const outcome = readWhole(cut);
			const before = Math.max(0, ends.filter(end => end <= size).length - 1);
			t.deepEqual(outcome.packets, all.slice(0, before), `${size} bytes`);
			const {error} = outcome;
			if (whole.has(size)) {
				t.is(error, undefined, `${size} bytes`);
			} else if (t.true(error instanceof PcapError) && error instanceof PcapError) {
				t.true(error.truncated, error.message);
				t.true(error.offset === 0 || whole.has(error.offset ?? -1), error.message);
			}

			const streamed = await readStream(once(cut));
			t.deepEqual(streamed.packets, outcome.packets);
			t.is(
				(streamed.error as Error | undefined)?.message,
				(error as Error | undefined)?.message,
			);
		}
	},
	title: (_, as: PcapFormat) =>
		`${as.format}, ${as.byteOrder}: cut anywhere, whole packets come and then a clear error`,
});

test(cutAnywhere, {format: 'pcap', byteOrder: 'little'});
test(cutAnywhere, {format: 'pcap', byteOrder: 'big'});
test(cutAnywhere, {format: 'pcapng', byteOrder: 'little'});
test(cutAnywhere, {format: 'pcapng', byteOrder: 'big'});

test('damaged bytes end in packets or in an error of our own, whole and as a stream alike', async t => {
	const damage = fc.array(fc.tuple(fc.nat(400), fc.integer({min: 0, max: 255})), {
		minLength: 1,
		maxLength: 6,
	});
	const format = fc.record({
		format: fc.constantFrom('pcap' as const, 'pcapng' as const),
		byteOrder: fc.constantFrom('little' as const, 'big' as const),
	});
	const property = fc.asyncProperty(format, damage, async (as, changes) => {
		const file = Uint8Array.from(encodePcap(packets, as));
		for (const [at, value] of changes) file[at % file.length] = value;
		const outcome = readWhole(file);
		t.true(outcome.error === undefined || outcome.error instanceof PcapError);
		for (const {bytes, originalLength} of outcome.packets)
			t.true(bytes.length <= originalLength && bytes.length <= file.length);
		const streamed = await readStream(once(file));
		t.deepEqual(streamed.packets, outcome.packets);
		t.is(String(streamed.error), String(outcome.error));
	});
	await fc.assert(property, {numRuns: 400});
});

const magics = [0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0x0a0d0d0a];

test('bytes of chance behind a magic number end in packets or in an error of our own', t => {
	const property = fc.property(
		fc.constantFrom(...magics),
		fc.uint8Array({maxLength: 300}),
		(magic, rest) => {
			const {error} = readWhole(Buffer.concat([fields(false, [32, magic]), rest]));
			t.true(error === undefined || error instanceof PcapError);
		},
	);
	fc.assert(property, {numRuns: 400});
});

const header = (...record: readonly Field[]): Uint8Array =>
	fields(true, [32, 0xa1b2c3d4], [16, 2], [16, 4], [64, 0], [32, 65_535], [32, 1], ...record);

const refused = test.macro({
	exec(t, _: string, bytes: Uint8Array, message: RegExp) {
		t.throws(() => [...readPcap(bytes)], {instanceOf: PcapError, message});
	},
	title: (_, what) => `refused: ${what}`,
});

test(refused, 'nothing', new Uint8Array(), /^read capture: the file is empty$/);
test(refused, 'gzip', Uint8Array.of(0x1f, 0x8b, 8, 0), /is compressed with gzip$/);
test(
	refused,
	'text',
	new TextEncoder().encode('hello'),
	/neither pcap nor pcapng: it begins with 0x68656c6c$/,
);
test(refused, 'modified pcap', fields(true, [32, 0xa1b2cd34]), /modified pcap format/);
test(
	refused,
	'an old version',
	fields(true, [32, 0xa1b2c3d4], [16, 2], [16, 2], [64, 0], [64, 0]),
	/pcap version 2\.2, where 2\.4 is supported, at offset 0$/,
);
test(
	refused,
	'a packet too long to be one',
	header([32, 0], [32, 0], [32, 0xffff_ffff], [32, 0xffff_ffff]),
	/packet of 4294967295 bytes at offset 24$/,
);
test(
	refused,
	'a packet with more than it had',
	header([32, 0], [32, 0], [32, 2], [32, 1], [16, 0]),
	/packet with 2 bytes of 1 at offset 24$/,
);
test(
	refused,
	'a million microseconds in a second',
	header([32, 0], [32, 1_000_000], [32, 0], [32, 0]),
	/packet with 1000000 parts of a second at offset 24$/,
);

/** The most memory that is held in buffers while `work` runs, beyond what was before. */
async function mostHeld(work: (look: () => void) => Promise<void>): Promise<number> {
	const before = process.memoryUsage().arrayBuffers;
	let most = 0;
	await work(() => {
		most = Math.max(most, process.memoryUsage().arrayBuffers - before);
	});
	return most;
}

const megabyte = 1 << 20;

test.serial('a length in a file makes no room that its bytes do not fill', async t => {
	const claims = header([32, 0], [32, 0], [32, 1 << 24], [32, 1 << 24]);
	const held = await mostHeld(async look => {
		async function* source(): AsyncGenerator<Uint8Array> {
			yield claims;
			look();
			yield await Promise.resolve(new Uint8Array(100));
			look();
		}

		const {error} = await readStream(source());
		t.true((error as PcapError).truncated);
	});
	t.true(held < 8 * megabyte, `${held} bytes`);
});

test.serial('what is passed over is not held', async t => {
	const section = encodePcap([], {byteOrder: 'little'});
	const size = 256 * megabyte;
	const length = fields(true, [32, size + 12]);
	const held = await mostHeld(async look => {
		async function* source(): AsyncGenerator<Uint8Array> {
			yield Buffer.concat([section, fields(true, [32, 0xbad]), length]);
			const piece = new Uint8Array(megabyte);
			for (let at = 0; at < size; at += piece.length) {
				yield await Promise.resolve(piece);
				look();
			}

			yield length;
		}

		const reader = openPcap(source());
		for await (const one of reader) t.fail(`a packet of ${one.bytes.length} bytes`);
		t.is(reader.skipped.custom, 1);
	});
	t.true(held < 64 * megabyte, `${held} bytes`);
});

test('a file that is not there is an error of our own', async t => {
	const open = async (path: string) => {
		for await (const one of openPcap(path)) t.fail(String(one.at));
	};
	const gone = await t.throwsAsync(async () => open('/nonexistent/a.pcap'), {
		instanceOf: PcapError,
		message: /^read capture "\/nonexistent\/a.pcap": ENOENT/,
	});
	t.is(gone.errno, 2);
	await t.throwsAsync(async () => open('/'), {instanceOf: PcapError, message: /EISDIR/});
	await t.throwsAsync(async () => open('a\0b'), {instanceOf: PcapError});
});

test('a stream that is no bytes is a mistake of who gives it', async t => {
	const texts = (async function* () {
		yield await Promise.resolve('text');
	})() as unknown as AsyncIterable<Uint8Array>;
	const {error} = await readStream(texts);
	t.is((error as {code?: string}).code, 'ERR_USAGE');
});

test('a loop that is left early ends the stream', async t => {
	let ended = false;
	async function* source(): AsyncGenerator<Uint8Array> {
		try {
			for (;;) yield await Promise.resolve(encodePcap(packets, {format: 'pcap'}));
		} finally {
			ended = true;
		}
	}

	for await (const one of openPcap(source())) {
		t.is(one.at, 0n);
		break;
	}

	t.true(ended);
});
