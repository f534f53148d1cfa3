import {fstatSync, readlinkSync, statSync} from 'node:fs';
import {closeSync} from 'node:fs';
import type {ExecutionContext} from 'ava';
import {
	createNamespace,
	getDeviceFeature,
	hasCarrier,
	NamespaceError,
	openSocket,
	readFileIn,
	setDeviceFeature,
	writeSetting,
} from '../../../src/kernel/sys/namespace.js';
import {interfaces} from '../../../src/kernel/sys/interfaces.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'network namespaces', since: '3.8'});

function make(t: ExecutionContext): number {
	const netns = createNamespace('test');
	t.teardown(() => netns.close());
	return netns.number;
}

kernel('a namespace is a new one, with a loopback only, and this thread stays', t => {
	const before = readlinkSync('/proc/thread-self/ns/net');
	const [left, right] = [make(t), make(t)];
	t.not(fstatSync(left).ino, fstatSync(right).ino);
	t.not(fstatSync(left).ino, statSync('/proc/self/ns/net').ino);
	t.deepEqual(
		interfaces(left).filter(({ifindex}) => ifindex === 1),
		[{ifindex: 1, name: 'lo'}],
	);
	t.is(readlinkSync('/proc/thread-self/ns/net'), before);
});

kernel('settings and files are those of the namespace', t => {
	const [left, right] = [make(t), make(t)];
	writeSetting('net/ipv4/ip_default_ttl', '17', left);
	t.is(readFileIn('/proc/sys/net/ipv4/ip_default_ttl', left), '17\n');
	t.not(readFileIn('/proc/sys/net/ipv4/ip_default_ttl', right), '17\n');
	t.is(readFileIn('/proc/thread-self/net/dev', left).split('\n').length, 4);
});

kernel('a setting that does not exist, or does not take the value, is an error', t => {
	const netns = make(t);
	const absent = t.throws(() => writeSetting('net/none', '1', netns), {
		instanceOf: NamespaceError,
	});
	t.is(absent.code, 'ERR_NAMESPACE');
	t.is(absent.errno, 2);
	t.regex(absent.message, /^set net\/none to 1: .*\(ENOENT\)$/);
	const wrong = t.throws(() => writeSetting('net/ipv4/ip_default_ttl', '999', netns), {
		instanceOf: NamespaceError,
	});
	t.is(wrong.errno, 22);
});

kernel('a socket is in the namespace, and bound', t => {
	const netns = make(t);
	// AF_INET, port 4789 of any address.
	const address = Uint8Array.from({length: 16}, (_, i) => [2, 0, 0x12, 0xb5][i] ?? 0);
	const fd = openSocket('open', {family: 2, type: 2, protocol: 0, address}, netns);
	t.teardown(() => closeSync(fd));
	t.regex(readFileIn('/proc/thread-self/net/udp', netns), / 00000000:12B5 /);
	const again = t.throws(
		() => openSocket('open', {family: 2, type: 2, protocol: 0, address}, netns),
		{instanceOf: NamespaceError},
	);
	t.is(again.errno, 98);
});

kernel("a device's features are read and set", t => {
	const netns = make(t);
	t.true(getDeviceFeature('lo', 'tcpSegmentation', netns));
	setDeviceFeature('lo', 'tcpSegmentation', false, netns);
	t.false(getDeviceFeature('lo', 'tcpSegmentation', netns));
	t.throws(() => setDeviceFeature('none', 'tcpSegmentation', false, netns), {
		message: /^set tcpSegmentation of interface "none": .*\(ENODEV\)$/,
	});
	t.false(hasCarrier('none', netns));
});
