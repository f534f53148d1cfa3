import {lab} from '../../src/lab/index.js';
import {kernelTest} from '../helpers/kernel.js';

const kernel = kernelTest({
	feature: 'network namespaces and cgroup v2',
	since: '5.3',
	serial: true,
});

const limit = 300;

kernel(`ten hosts stand within ${limit} ms, and are gone within ${limit} ms`, async t => {
	const hosts = Array.from({length: 10}, (_, i) => `h${i}`);
	const routers = ['left', 'right'];
	const links = hosts.map((host, i) => [host, routers[i & 1] ?? ''] as const);
	// What else the machine does only adds: the best of some counts.
	let [built, gone] = [Infinity, Infinity];
	for (let i = 0; i < 20 && (built >= limit || gone >= limit); i++) {
		const start = performance.now();
		const net = await lab({hosts, routers, links: [...links, ['left', 'right']]});
		const standing = performance.now();
		const reached = await net.hosts['h0']?.ping(net.hosts['h9']?.ipv6 ?? '');
		t.truthy(reached);
		const closing = performance.now();
		await net.close();
		built = Math.min(built, standing - start);
		gone = Math.min(gone, performance.now() - closing);
	}

	t.log(`built in ${built.toFixed(1)} ms, taken down in ${gone.toFixed(1)} ms`);
	t.true(built < limit, `built in ${built} ms`);
	t.true(gone < limit, `taken down in ${gone} ms`);
});
