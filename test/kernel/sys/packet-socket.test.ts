import {closeSync, writeSync} from 'node:fs';
import test from 'ava';
import {exchangeAll} from '../../../src/kernel/netlink/exchange.js';
import {setUp} from '../../../src/kernel/netlink/interfaces.js';
import {addon} from '../../../src/kernel/sys/addon.js';
import {createNamespace, NamespaceError, openSocket} from '../../../src/kernel/sys/namespace.js';
import {PacketSocket} from '../../../src/kernel/sys/packet-socket.js';
import {linkAddress} from '../../../src/lab/host/sockaddr.js';
import {kernelTest} from '../../helpers/kernel.js';
import {ethernet} from '../../helpers/packet.js';

const kernel = kernelTest({feature: 'packet sockets', since: '3.8'});
const loopback = 1;

kernel(
	'frames have their direction, interface and bytes, and wait until they are read',
	async t => {
		const netns = createNamespace('packets');
		t.teardown(() => netns.close());
		exchangeAll([setUp(loopback)], netns.number);
		const socket = new PacketSocket('lo', loopback, 1 << 20, netns.number);
		t.teardown(() => socket.close());
		t.deepEqual(socket.read(), []);
		const raw = {family: 17, type: 3, protocol: 0, address: linkAddress(loopback)};
		const fd = openSocket('open socket', raw, netns.number);
		t.teardown(() => closeSync(fd));
		const frame = ethernet(0x88b5, [1, 2, 3]);
		const arriving = socket.wait();
		writeSync(fd, frame);
		await arriving;
		const frames = socket.read().filter(({bytes}) => bytes[12] === 0x88);
		t.deepEqual(
			frames.map(({direction}) => direction),
			['out', 'in'],
		);
		t.like(frames[0], {interface: 'lo', bytes: frame, length: frame.length});
		t.is(socket.lost, 0);
		const stopped = socket.wait();
		socket.stop();
		await stopped;
		socket.close();
		socket.close();
		t.is(socket.lost, 0);
		t.throws(() => socket.read(), {code: 'ERR_USAGE'});
	},
);

kernel('an interface that is not there is an error', t => {
	const netns = createNamespace('packets');
	t.teardown(() => netns.close());
	const error = t.throws(() => new PacketSocket('none', 4711, 8192, netns.number), {
		instanceOf: NamespaceError,
	});
	t.is(error.message, 'capture frames of interface "none": no such device (ENODEV)');
});

test('the addon refuses numbers that no socket takes, and descriptors that are not its own', t => {
	t.throws(() => addon.packetOpen(0, 8192, -1), {instanceOf: RangeError});
	t.throws(() => addon.packetOpen(1, 2 ** 31, -1), {instanceOf: RangeError});
	t.is(addon.packetRead(0, new Uint8Array(1 << 17), new Uint8Array(64)), -9);
	t.is(addon.packetDrops(0), -9);
});
