import test from 'ava';
import fc from 'fast-check';
import {
	ethernet,
	ipv4,
	ipv6,
	packet,
	parsePacket,
	type Packet,
	type PacketPart,
} from '../../../src/lab/index.js';
import {samples} from './samples.js';

const survives = test.macro({
	exec(t, parts: readonly PacketPart[]) {
		const built = packet(...parts);
		const parsed = parsePacket(built.bytes);

		t.deepEqual(parsed.layers, built.layers);
		t.true(parsed.isSound, String(parsed));
		t.deepEqual(packet(...parsed.layers).bytes, built.bytes);
		t.deepEqual(packet(...parsed.drafts).bytes, built.bytes);
		t.notThrows(() => [String(parsed), parsed.format()]);
	},
	title: (title = '') => `${title} is read as it was built, and built again the same`,
});

for (const [title, parts] of Object.entries(samples)) test(title, survives, parts);

const firsts = ['ethernet', 'ipv4', 'ipv6', 'ip'] as const;

function isRebuilt(given: Uint8Array, first: (typeof firsts)[number]): Packet {
	const parsed = parsePacket(given, {first});
	const rebuilt = packet(...parsed.layers);
	if (Buffer.compare(rebuilt.bytes, given) !== 0) {
		throw new Error(`${Buffer.from(given).toString('hex')}: ${String(parsed)}`);
	}

	String(parsed);
	parsed.format();
	return parsed;
}

test('any bytes are read and built again the same', t => {
	fc.assert(
		fc.property(fc.uint8Array({maxLength: 200}), fc.constantFrom(...firsts), (given, first) => {
			isRebuilt(given, first);
		}),
		{numRuns: 500},
	);
	t.pass();
});

test('packets cut and damaged anywhere are read and built again the same', t => {
	const whole = Object.values(samples).map(parts => packet(...parts).bytes);
	const damage = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), {maxLength: 4});
	fc.assert(
		fc.property(fc.constantFrom(...whole), damage, fc.nat(300), (original, changes, length) => {
			const given = original.slice(0, length);
			for (const [at, value] of changes) if (at < given.length) given[at] = value;
			isRebuilt(given, 'ethernet');
		}),
		{numRuns: 2000},
	);
	t.pass();
});

test('a packet within packets a thousand times is read in time and built again the same', t => {
	const header = packet(ipv4()).bytes;
	header[9] = 4;
	const given = new Uint8Array(65_000);
	const view = new DataView(given.buffer);
	for (let at = 0; at + 20 <= given.length; at += 20) {
		given.set(header, at);
		view.setUint16(at + 2, given.length - at);
	}

	const parsed = isRebuilt(given, 'ip');

	t.regex(parsed.get('payload')?.malformed ?? '', /the 65th layer/);
});

test('many addresses of each kind are built, again and again', t => {
	for (let turn = 0; turn < 2; turn++) {
		for (let i = 0; i < 600; i++) {
			const [high, low] = [i >> 8, i & 0xff];
			const mac = `02:00:00:00:0${high}:${low.toString(16).padStart(2, '0')}`;
			const [four, six] = [`10.0.${high}.${low}`, `2001:db8::${(i + 1).toString(16)}`];
			const built = packet(
				ethernet({source: mac}),
				ipv4({source: four}),
				ipv6({source: six}),
			);
			const read = parsePacket(built.bytes);
			t.is(read.get('ethernet')?.source, mac);
			t.is(read.get('ipv4')?.source, four);
			t.is(read.get('ipv6')?.source, six);
		}
	}
});
