import test, {type ExecutionContext} from 'ava';
import {HostError, lab, type Family, type Frame} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {ethernet, ipv4, udp, vlan} from '../../helpers/packet.js';
import {until} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'network namespaces and cgroup v2', since: '5.3'});
const pair = async () => lab({hosts: ['a', 'b'], links: [{between: ['a', 'b'], offloads: false}]});

/** Leaves out what the kernel says by itself. */
const isEcho = ({bytes}: Frame): boolean =>
	ethProto({bytes}) === 0x0800 ? bytes[23] === 1 : [128, 129].includes(bytes[54] ?? 0);
const isOwn = (frame: Frame): boolean => ethProto(frame) === 0x88b5;

const ethProto = ({bytes}: Pick<Frame, 'bytes'>): number =>
	new DataView(bytes.buffer).getUint16(12);

const captured = test.macro({
	async exec(t: ExecutionContext, family: Family, type: number) {
		await using net = await pair();
		const {a, b} = net.hosts;
		using out = a.capture('eth0', {filter: isEcho});
		using input = b.capture('eth0', {filter: isEcho});
		const before = BigInt(Date.now()) * 1_000_000n;
		t.truthy(await a.ping(b[family]));
		const after = BigInt(Date.now() + 1) * 1_000_000n;
		const [sent, received] = [out.read(), input.read()];
		t.deepEqual(
			sent.map(frame => [ethProto(frame), frame.direction]),
			[
				[type, 'out'],
				[type, 'in'],
			],
		);
		t.deepEqual(
			received.map(({direction}) => direction),
			['in', 'out'],
		);
		t.deepEqual(sent[0]?.bytes, received[0]?.bytes);
		t.true(sent.every(frame => frame.interface === 'eth0'));
		t.is(sent[0]?.length, sent[0]?.bytes.length);
		const times = [...sent, ...received].map(({at}) => at);
		t.true(times.every(at => at >= before && at <= after));
		t.is(out.lost, 0);
	},
	title: (_, family: Family) => `a capture sees what was sent by ${family}`,
});
kernel(captured, 'ipv4', 0x0800);
kernel(captured, 'ipv6', 0x86dd);

kernel('a frame that is injected arrives as it was, VLAN tags too', async t => {
	await using net = await pair();
	const {a, b} = net.hosts;
	using capture = b.capture('eth0', {direction: 'in'});
	const frames = [
		ethernet(0x0800, ipv4(17), udp(7)),
		ethernet(0x8100, vlan(0x0800), ipv4(17), udp(7)),
		ethernet(0x88a8, vlan(0x8100), vlan(0x0800), ipv4(17), udp(7)),
		ethernet(0x88b5, [1, 2, 3]),
	];
	for (const frame of frames) a.inject('eth0', frame);
	for (const frame of frames) {
		const found = await capture.find(({bytes}) => bytes.length === frame.length);
		t.deepEqual(found.bytes, frame);
	}
});

kernel('frames are passed over until one is wanted', async t => {
	await using net = await pair();
	const {a, b} = net.hosts;
	using capture = b.capture('eth0', {filter: isOwn});
	for (const last of [1, 2, 3, 4]) a.inject('eth0', ethernet(0x88b5, [last]));
	t.is((await capture.find(({bytes}) => bytes[14] === 2)).bytes[14], 2);
	t.deepEqual(
		capture.read().map(({bytes}) => bytes[14]),
		[3, 4],
	);
	const error = await t.throwsAsync(
		capture.find(() => false, 20),
		{instanceOf: HostError},
	);
	t.is(
		error.message,
		'find frame of interface "eth0" in host "b": none of 0 was wanted within 20 ms',
	);
	const coming = capture.find(({bytes}) => bytes[14] === 9, 5000);
	a.inject('eth0', ethernet(0x88b5, [9]));
	t.is((await coming).bytes[14], 9);
});

kernel('a loop over a capture ends when it is closed', async t => {
	const net = await pair();
	const {a, b} = net.hosts;
	const capture = b.capture('eth0', {filter: isOwn});
	for (let i = 0; i < 300; i++) a.inject('eth0', ethernet(0x88b5, [i & 0xff]));
	let count = 0;
	for await (const frame of capture) {
		t.is(frame.bytes[14], count++ & 0xff);
		if (count === 300) break;
	}

	const waiting = (async () => {
		for await (const {bytes} of capture) t.fail(String(bytes));
	})();
	await net.close();
	await waiting;
	t.is(count, 300);
});

kernel('frames that came before a capture was closed are all given', async t => {
	await using net = await pair();
	const {a, b} = net.hosts;
	const count = 1500;
	const send = () => {
		for (let i = 0; i < count; i++) {
			a.inject('eth0', ethernet(0x88b5, [i & 0xff, i >> 8]));
		}
	};
	const expected = Array.from({length: count}, (_, i) => i);
	const numberOf = ({bytes}: Frame): number => (bytes[14] ?? 0) | ((bytes[15] ?? 0) << 8);

	const slow = b.capture('eth0', {filter: isOwn});
	const [called, looped]: [number[], number[]] = [[], []];
	let running = 0;
	const calling = slow.each(async frame => {
		t.is(running++, 0);
		await Promise.resolve();
		running--;
		called.push(numberOf(frame));
	});
	send();
	slow.close();
	await calling;
	t.deepEqual(called, expected);

	const capture = b.capture('eth0', {filter: isOwn});
	const looping = (async () => {
		for await (const frame of capture) looped.push(numberOf(frame));
	})();
	send();
	capture.close();
	await looping;
	t.deepEqual(looped, expected);

	const read = b.capture('eth0', {filter: isOwn});
	send();
	read.close();
	t.deepEqual(read.read().map(numberOf), expected);
	t.is(read.lost, 0);
	t.deepEqual(read.read(), []);
	const after = await t.throwsAsync(read.find(() => true));
	t.regex(after.message, /none of 0 was wanted until it was closed$/);
});

kernel('a capture goes on when its interface was down', async t => {
	await using net = await pair();
	const {a, b} = net.hosts;
	using capture = b.capture('eth0', {filter: isOwn});
	a.inject('eth0', ethernet(0x88b5, [1]));
	await b.exec('ip', ['link', 'set', 'eth0', 'down']);
	await b.exec('ip', ['link', 'set', 'eth0', 'up']);
	t.is((await capture.find(() => true)).bytes[14], 1);
	// The other end learns only later that the link is up, and loses what it sends until then.
	await until('frame to pass', () => {
		a.inject('eth0', ethernet(0x88b5, [2]));
		return capture.read().some(({bytes}) => bytes[14] === 2);
	});
});

kernel('two who wait for one capture are both woken', async t => {
	await using net = await pair();
	const {a, b} = net.hosts;
	const capture = b.capture('eth0', {filter: isOwn});
	const loops = [capture.each(() => undefined), capture.each(() => undefined)];
	a.inject('eth0', ethernet(0x88b5, [1]));
	capture.close();
	t.deepEqual(await Promise.all(loops), [undefined, undefined]);
});

kernel('what did not fit is counted', async t => {
	await using net = await pair();
	const {a, b} = net.hosts;
	using capture = b.capture('eth0', {buffer: 8192});
	for (let i = 0; i < 200; i++) a.inject('eth0', ethernet(0x88b5, [i]));
	const {length} = capture.read();
	t.true(length > 0 && capture.lost > 0);
	// The kernel may have said something of its own.
	t.true(length + capture.lost >= 200);
});

kernel('an interface that is not there, and a frame that is none, are errors', async t => {
	await using net = await pair();
	const {a} = net.hosts;
	t.throws(() => a.capture('none'), {
		instanceOf: HostError,
		message: 'capture frames of "none" in host "a": there is no interface "none"',
	});
	t.throws(() => a.inject('none', new Uint8Array(60)), {instanceOf: HostError});
	t.throws(() => a.inject('eth0', new Uint8Array(3)), {
		instanceOf: HostError,
		message: /EINVAL/,
	});
});

kernel('programs are attached to a host and go with the lab', async t => {
	const globals = await loadFixture(t, 'kernel/globals');
	const net = await pair();
	const {a, b} = net.hosts;
	const link = b.attachXdp(globals.program('count_packets'));
	t.truthy(await a.ping(b.ipv4));
	t.false(link.closed);
	await net.close();
	t.true(link.closed);
});
