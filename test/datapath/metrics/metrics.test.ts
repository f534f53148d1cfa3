import {availableParallelism} from 'node:os';
import {Worker} from 'node:worker_threads';
import {once} from 'node:events';

import {Metrics, openDatapathMaps} from '../../../src/datapath/index.js';
import {tcp, udp} from '../../../src/lab/index.js';
import {createMap} from '../../../src/object/map/create-map.js';
import {guardEndpoint, sent} from '../../helpers/guarded-endpoint.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'metrics of the datapath', since: '5.15'});

kernel('rows say what became of packets, and where', async t => {
	const node = await guardEndpoint(t);
	const metrics = new Metrics(node.maps);
	t.deepEqual(metrics.list(), []);
	const drop = sent('ipv6', udp({}), '2001:db8::77');
	const pass = sent('ipv4', udp({}));
	node.fromEndpoint.run({data: drop, repeat: 3});
	node.fromEndpoint.run({data: pass, repeat: 7});
	const rows = metrics.list();
	t.is(rows.length, 2);
	t.like(rows[0], {
		reason: 0,
		reasonText: 'Success',
		direction: 'egress',
		packets: 7n,
		bytes: BigInt(7 * pass.length),
		file: 'delivery.h',
	});
	t.like(rows[1], {
		reason: 132,
		reasonText: 'Invalid source ip',
		direction: 'egress',
		packets: 3n,
		bytes: BigInt(3 * drop.length),
		file: 'endpoint.bpf.c',
	});
	t.true(rows.every(({line}) => line > 0));
});

const worker = `
	const {workerData} = require('node:worker_threads');
	(async () => {
		const {openPinnedProgram} = await import(workerData.module);
		const program = openPinnedProgram(workerData.program);
		for (let i = 0; i < workerData.rounds; i++) {
			program.run({data: workerData.data, repeat: workerData.repeat});
		}
		program.close();
	})();
`;

kernel('counts are exact while packets pass on several CPUs, and after', async t => {
	const node = await guardEndpoint(t);
	const metrics = new Metrics(node.maps);
	node.fromEndpoint.pin(`${node.root}/from_endpoint`);
	const data = sent('ipv4', tcp({sourcePort: 4000, destinationPort: 443, flags: 'A'}));
	const [rounds, repeat] = [100, 997];
	const cpus = Math.min(4, availableParallelism());
	const workerData = {
		module: new URL('../../../src/index.js', import.meta.url).href,
		program: `${node.root}/from_endpoint`,
		data,
		rounds,
		repeat,
	};
	const workers = Array.from({length: cpus}, () => new Worker(worker, {eval: true, workerData}));
	const running = {count: cpus};
	const ended = workers.map(async each => {
		await once(each, 'exit');
		running.count--;
	});
	const total = BigInt(cpus * rounds * repeat);
	let last = 0n;
	let looks = 0;
	while (running.count > 0) {
		const now = metrics.list()[0]?.packets ?? 0n;
		if (now < last || now > total) t.fail(`${now} after ${last} of ${total}`);
		last = now;
		looks++;
		await new Promise(setImmediate);
	}

	await Promise.all(ended);
	t.true(looks > 0);
	t.like(metrics.list()[0], {packets: total, bytes: total * BigInt(data.length)});
});

kernel('a watch tells what was added', async t => {
	const node = await guardEndpoint(t);
	const metrics = new Metrics(node.maps);
	const data = sent('ipv4', udp({}));
	node.fromEndpoint.run({data, repeat: 100});
	const stop = new AbortController();
	const looks = metrics.watch({interval: 10, signal: stop.signal});
	const first = looks.next();
	node.fromEndpoint.run({data, repeat: 40});
	const {value} = await first;
	t.is(value?.length, 1);
	t.like(value?.[0], {packets: 40n, bytes: BigInt(40 * data.length), reason: 0});
	t.deepEqual((await looks.next()).value, []);
	stop.abort();
	t.true((await looks.next()).done);
	await t.throwsAsync(metrics.watch({interval: 0}).next(), {code: 'ERR_USAGE'});
});

kernel('a flush counts from 0 again, what is pending too', async t => {
	const node = await guardEndpoint(t);
	const metrics = new Metrics(node.maps);
	const pass = sent('ipv4', udp({}));
	const drop = sent('ipv6', udp({}), '2001:db8::77');
	// More than are counted in front of the metrics, and a rest that is.
	node.fromEndpoint.run({data: pass, repeat: 40});
	node.fromEndpoint.run({data: drop, repeat: 3});
	t.is(metrics.flush(), 2);
	t.deepEqual(metrics.list(), []);
	t.is(metrics.flush(), 0);
	node.fromEndpoint.run({data: pass});
	t.deepEqual(
		metrics.list().map(({packets, bytes}) => [packets, bytes]),
		[[1n, BigInt(pass.length)]],
	);
	using reading = openDatapathMaps({root: node.root});
	t.throws(() => new Metrics(reading).flush(), {code: 'ERR_DATAPATH', message: /reading only/});
});

kernel('the metrics of a Cilium node are read as its own tools read them', async t => {
	const {root} = await guardEndpoint(t);
	const map = createMap({
		type: 'percpu_hash',
		name: 'cilium_metrics',
		keySize: 8,
		valueSize: 16,
		maxEntries: 16,
	});
	map.pin(`${root}/cilium_metrics`);
	map.close();
	using maps = openDatapathMaps({root, prefix: 'cilium_', write: true, version: '1.19'});
	const key = {reason: 133, dir: 1, line: 1300, file: 2};
	maps.require('metrics').setEveryCpu(key, {count: 5n, bytes: 500n});
	const [row] = new Metrics(maps).list();
	const cpus = BigInt(maps.require('metrics').get(key)?.length ?? 0);
	t.deepEqual(row, {
		reason: 133,
		reasonText: 'Policy denied',
		direction: 'ingress',
		packets: 5n * cpus,
		bytes: 500n * cpus,
		line: 1300,
		file: 'bpf_lxc.c',
	});
});
