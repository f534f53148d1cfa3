import {closeSync, openSync, readdirSync, readlinkSync} from 'node:fs';
import type {ExecutionContext} from 'ava';
import {getDevice} from '../../src/kernel/netlink/device.js';
import {kernelTest} from '../helpers/kernel.js';
import {connect, makeNamespace} from '../helpers/netns.js';
import {addon, attrOf, netlinkRequest} from './support.js';

const kernel = kernelTest({feature: 'network namespaces', since: '5.15'});

/** The network namespaces of this process's threads. */
function namespaces(): string[] {
	const threads = readdirSync('/proc/self/task');
	return [...new Set(threads.map(id => readlinkSync(`/proc/self/task/${id}/ns/net`)))];
}

function open(t: ExecutionContext, path: string): number {
	const fd = openSync(path, 'r');
	t.teardown(() => closeSync(fd));
	return fd;
}

kernel(
	'a call in another namespace sees its interfaces and leaves this thread where it is',
	async t => {
		const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
		const [end] = await connect(left, right);
		const netns = open(t, left.path);
		const before = [namespaces(), addon.interfaces(-1)];

		t.deepEqual(addon.interfaces(netns), [
			[1, 'lo'],
			[end.index, end.name],
		]);
		t.is(addon.interfaceIndex(end.name, netns), end.index);
		t.is(addon.interfaceName(end.index, netns), end.name);
		const mac = new Uint8Array(6);
		t.is(addon.interfaceMac(end.name, mac, netns), 0);
		t.deepEqual(mac, getDevice(end.index, netns).address);
		t.true((addon.netlink(netlinkRequest(end.index), netns) as Uint8Array).length > 100);
		t.is(addon.interfaceIndex(end.name, -1), -19);
		// PROG_QUERY of tcx ingress: nothing is attached here, and the device is found.
		t.is(addon.bpf(16, attrOf(64, {0: end.index, 4: 46}), [], netns), 0);

		t.deepEqual([namespaces(), addon.interfaces(-1)], before);
		t.is(namespaces().length, 1);
	},
);

kernel('a descriptor that is no namespace is an errno', t => {
	const file = open(t, '/proc/self/status');

	for (const [fd, errno] of [
		[file, -22],
		[2 ** 31 - 1, -9],
	] as const) {
		t.is(addon.interfaceIndex('lo', fd), errno);
		t.is(addon.interfaceName(1, fd), null);
		t.is(addon.interfaceMac('lo', new Uint8Array(6), fd), errno);
		t.is(addon.interfaces(fd), errno);
		t.is(addon.netlink(netlinkRequest(1), fd), errno);
		t.is(addon.bpf(11, attrOf(12), [], fd), errno);
	}
});

kernel('interfaces that do not exist are an errno', t => {
	t.is(addon.interfaceIndex('skep-none', -1), -19);
	t.is(addon.interfaceIndex('', -1), -19);
	t.is(addon.interfaceIndex('x'.repeat(200), -1), -19);
	t.is(addon.interfaceMac('skep-none', new Uint8Array(6), -1), -19);
	t.throws(() => addon.interfaceMac('lo', new Uint8Array(5), -1), {instanceOf: RangeError});
	t.is(addon.interfaceName(2 ** 31 - 1, -1), null);
	t.is(addon.interfaceName(0, -1), null);
});
