import {once} from 'node:events';
import {readFileSync, readlinkSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {PassThrough} from 'node:stream';
import test from 'ava';
import {
	createPcap,
	encodePcap,
	openPcap,
	PcapError,
	readPcap,
	type InterfaceToWrite,
	type PacketToWrite,
	type PcapFormat,
} from '../../../src/lab/index.js';
import {start} from '../../helpers/run.js';
import {makeTempFolder} from '../../helpers/temp.js';

const packet = {at: 1n, bytes: Uint8Array.of(1, 2, 3)};

test('a capture is written into a stream, which is ended', async t => {
	const stream = new PassThrough();
	const read = (async () => {
		const times = [];
		for await (const {at} of openPcap(stream)) times.push(at);
		return times;
	})();
	const writer = await createPcap(stream);
	await writer.write(packet);
	await writer.close();
	await writer.close();

	t.deepEqual(await read, [1n]);
	await t.throwsAsync(async () => writer.write(packet), {
		instanceOf: PcapError,
		message: 'write capture: it is closed',
	});
});

test('a stream that fails is an error of our own', async t => {
	const stream = new PassThrough();
	const writer = await createPcap(stream);
	stream.destroy(new Error('gone'));
	await writer.write(packet);
	await t.throwsAsync(async () => writer.flush(), {
		instanceOf: PcapError,
		message: 'write capture: gone',
	});
	await t.throwsAsync(async () => writer.close(), {instanceOf: PcapError});
});

test('a stream that was ended by another is an error of our own', async t => {
	const stream = new PassThrough();
	const writer = await createPcap(stream);
	stream.end();
	await writer.write(packet);
	await t.throwsAsync(async () => writer.close(), {
		instanceOf: PcapError,
		message: 'write capture: the stream has ended',
	});
});

/** The process's descriptors of a file. */
const open = (path: string): number[] =>
	readdirSync('/proc/self/fd')
		.map(Number)
		.filter(fd => {
			try {
				return readlinkSync(`/proc/self/fd/${fd}`) === path;
			} catch {
				return false;
			}
		});

test('a full disk is an error, and the file is closed', async t => {
	const full = '/dev/full';
	await t.throwsAsync(async () => createPcap(full), {
		instanceOf: PcapError,
		message: /^write capture "\/dev\/full": ENOSPC/,
	});
	t.deepEqual(open(full), []);
});

test('a file is closed with its writer', async t => {
	const path = join(await makeTempFolder(t), 'a.pcap');
	const writer = await createPcap(path);
	t.is(open(path).length, 1);
	await writer.close();
	t.deepEqual(open(path), []);
});

test('a folder cannot be written', async t => {
	const error = await t.throwsAsync(async () => createPcap('/'), {instanceOf: PcapError});
	t.regex(error.message, /EISDIR/);
	t.is(error.errno, 21);
});

test('bytes can be used again as soon as write was called', async t => {
	const path = join(await makeTempFolder(t), 'a.pcapng');
	const bytes = Uint8Array.of(1);
	const writer = await createPcap(path);
	const first = writer.write({at: 1n, bytes});
	bytes[0] = 2;
	await Promise.all([first, writer.write({at: 2n, bytes})]);
	await writer.close();
	t.deepEqual(
		[...readPcap(readFileSync(path))].map(one => [...one.bytes]),
		[[1], [2]],
	);
});

const killed = test.macro({
	async exec(t, name: string) {
		const path = join(await makeTempFolder(t), name);
		const entry = new URL('../../../src/lab/index.js', import.meta.url).href;
		const script = `
			const {createPcap} = await import(${JSON.stringify(entry)});
			const writer = await createPcap(${JSON.stringify(path)});
			for (let i = 0; i < 5; i++) await writer.write({at: BigInt(i), bytes: new Uint8Array(i)});
			await writer.flush();
			writer.write({at: 9n, bytes: new Uint8Array(9)});
			process.kill(process.pid, 'SIGKILL');`;
		const child = start(t, process.execPath, '--input-type=module', '-e', script);
		const [, signal] = (await once(child, 'exit')) as [null, string];
		t.is(signal, 'SIGKILL');
		t.deepEqual(
			[...readPcap(readFileSync(path))].map(({at}) => at),
			[0n, 1n, 2n, 3n, 4n],
		);
	},
	title: (_, name: string) => `what was flushed is whole after SIGKILL: ${name}`,
});
test(killed, 'a.pcap');
test(killed, 'a.pcapng');

const refused = test.macro({
	exec(t, message: RegExp, one: Partial<PacketToWrite>, as: PcapFormat = {}) {
		const error = t.throws(() => encodePcap([{...packet, ...one}], as));
		t.regex(error.message, message);
		t.is((error as {code?: string}).code, 'ERR_USAGE');
	},
	title: (_, message: RegExp) => `cannot be written: ${message.source}`,
});

const classic = {format: 'pcap'} as const;
test(refused, /no room for the time -1: it ends in 2106/, {at: -1n}, classic);
test(refused, /it ends in 2106/, {at: 1n << 62n}, classic);
test(refused, /pcap has no packets without a time/, {at: undefined}, classic);
test(refused, /no room for the time -1: it ends in 2554/, {at: -1n});
test(refused, /it ends in 2554/, {at: 1n << 64n});
test(refused, /has interface 0, no direction and no comment/, {at: undefined, comment: ''});
test(refused, /without a time is whole, or cut to 262144/, {at: undefined, originalLength: 9});
test(refused, /there is no interface 1/, {interface: 1});
test(refused, /there is no interface 1\.5/, {interface: 1.5});
test(refused, /originalLength 2 is less than the 3 bytes given/, {originalLength: 2});
test(refused, /originalLength NaN is not from 0/, {originalLength: Number.NaN});
test(refused, /there is no direction "up"/, {direction: 'up' as 'in'});
test(refused, /"at" is not a bigint/, {at: 1 as unknown as bigint});
test(refused, /"bytes" are not a Uint8Array/, {bytes: 'text' as unknown as Uint8Array});
test(refused, /comment has 65536 bytes, more than 65535/, {comment: 'x'.repeat(65_536)});
test(refused, /comment has a NUL/, {comment: '\0'});
test(refused, /pcap has one interface, not 2/, {}, {...classic, interfaces: [{}, {}]});
test(refused, /pcap has one interface, not 0/, {}, {...classic, interfaces: []});
test(refused, /there is no format "cap"/, {}, {format: 'cap' as 'pcap'});
test(refused, /there is no byte order "middle"/, {}, {byteOrder: 'middle' as 'big'});
test(refused, /there is no resolution "pico"/, {}, {...classic, resolution: 'pico' as 'nano'});

const badInterface = test.macro({
	exec(t, message: RegExp, one: InterfaceToWrite) {
		for (const format of ['pcap', 'pcapng'] as const)
			t.throws(() => encodePcap([], {format, interfaces: [one]}), {message});
	},
	title: (_, message: RegExp) => `no interface is written: ${message.source}`,
});
test(badInterface, /snapLength -1 is not from 0/, {snapLength: -1});
test(badInterface, /there is no link type 65536/, {linkType: 65_536});
test(badInterface, /there is no link type token-ring/, {linkType: 'token-ring' as 'raw'});
test(badInterface, /name of the interface has a NUL/, {name: 'a\0'});

test('a longer packet is cut to what readers accept', t => {
	const bytes = new Uint8Array(300_000);
	const [read] = readPcap(encodePcap([{at: 1n, bytes}]));
	t.is(read?.bytes.length, 262_144);
	t.is(read?.originalLength, 300_000);
});
