import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {captureToFile, lab, readPcap, type Family} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {run, until} from '../../helpers/run.js';
import {makeTempFolder} from '../../helpers/temp.js';

const kernel = kernelTest({feature: 'network namespaces and cgroup v2', since: '5.3'});
const topology = {
	hosts: ['a', 'b'],
	links: [{between: ['a', 'b'], offloads: false}],
} as const;

const captured = {
	async exec(t: ExecutionContext, family: Family, name: string, printed: RegExp) {
		const path = join(await makeTempFolder(t), name);
		await using net = await lab(topology);
		const {a, b} = net.hosts;
		const file = await captureToFile(a, 'eth0', path);
		t.truthy(await a.ping(b[family]));
		await file.close();
		await file.close();

		t.true(file.packets >= 2);
		t.is(file.lost, 0);
		const read = readPcap(readFileSync(path));
		const packets = [...read];
		t.is(packets.length, file.packets);
		if (name.endsWith('ng')) {
			t.is(read.interfaces[0]?.name, 'eth0');
			t.is(read.interfaces[0]?.description, 'host a');
			t.deepEqual([...new Set(packets.map(one => one.direction))].sort(), ['in', 'out']);
		}

		t.regex(await run('tcpdump', '-nn', '-r', path), printed);
	},
};

kernel('a ping by ipv4 is captured to pcapng', async t =>
	captured.exec(t, 'ipv4', 'a.pcapng', /ICMP echo request.*\n.*ICMP echo reply/),
);
kernel('a ping by ipv6 is captured to pcap', async t =>
	captured.exec(t, 'ipv6', 'a.pcap', /ICMP6, echo request.*\n(?:.*\n)*.*echo reply/),
);

kernel('the file can be read while it is captured', async t => {
	const path = join(await makeTempFolder(t), 'a.pcapng');
	await using net = await lab(topology);
	const {a, b} = net.hosts;
	await using file = await captureToFile(b, 'eth0', path, {direction: 'in'});
	const frame = new Uint8Array(60).fill(0xff);
	a.inject('eth0', frame);
	const frames = () =>
		[...readPcap(readFileSync(path))].filter(one => Buffer.compare(one.bytes, frame) === 0);
	await until('the frame is in the file', () => frames().length === 1);
	t.is(frames()[0]?.direction, 'in');
	t.true(file.packets > 0);
});

kernel('a capture that cannot be written leaves no capture', async t => {
	await using net = await lab(topology);
	await t.throwsAsync(captureToFile(net.hosts.a, 'eth0', '/nonexistent/a.pcap'), {
		code: 'ERR_PCAP',
	});
	await t.throwsAsync(captureToFile(net.hosts.a, 'eth7', '/nonexistent/a.pcap'), {
		code: 'ERR_HOST',
	});
});
