/** Services of a node's own backends, of a proxy, and of backends of the other family. */

import {Services, type NewService} from '../../../src/datapath/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {openServiceMaps} from '../../helpers/service-maps.js';

const kernel = kernelTest({feature: 'maps of services', since: '5.6'});

const frontends = {4: '10.96.0.1', 6: 'fd00:96::1'} as const;

const web = (family: 4 | 6, more: Partial<NewService> = {}) => ({
	frontend: {address: frontends[family], port: 80},
	backends: [1, 2].map(i => ({address: family === 4 ? `10.0.0.${i}` : `fd00::${i}`, port: 80})),
	...more,
});

kernel('a local redirect has the backends of the node, and is not for the network', async t => {
	const maps = await openServiceMaps(t, {entries: 1024});
	const services = new Services(maps);
	for (const family of [4, 6] as const) {
		const [here, there] = web(family).backends;
		if (here === undefined || there === undefined) throw new TypeError('there are two');
		const backends = [{...here, local: true}, there];
		await services.upsert(web(family, {type: 'LocalRedirect', backends}));
		const found = services.get(web(family).frontend)?.backends;
		t.deepEqual(
			found?.map(({address}) => address),
			[here.address],
		);
		const {address, port} = web(family).frontend;
		const slot = {backend_slot: 0, proto: 6, scope: 0};
		const value = maps.require(`services${family}`).get({address, dport: port, ...slot});
		t.like(value, {flags: 0, flags2: 1, count: 1});
	}
});

kernel('a proxy stands in the place of backends', async t => {
	const maps = await openServiceMaps(t, {entries: 1024});
	const services = new Services(maps);
	for (const family of [4, 6] as const) {
		const service = web(family, {proxyPort: 10_001});
		await services.upsert(service);
		const {address, port} = service.frontend;
		const slot = {backend_slot: 0, proto: 6, scope: 0};
		const value = maps.require(`services${family}`).get({address, dport: port, ...slot});
		t.like(value, {flags2: 4, l7_lb_proxy_port: 10_001});
		const found = services.get(service.frontend);
		t.like(found, {proxyPort: 10_001, affinity: undefined, algorithm: 'default'});
		t.true(found?.flags.includes('l7-load-balancer'));
		t.is(new Services(maps).get(service.frontend)?.proxyPort, 10_001);
		await services.upsert(web(family));
		t.is(services.get(service.frontend)?.proxyPort, undefined);
	}

	for (const wrong of [{algorithm: 'random'}, {affinity: {timeout: 1}}] as const) {
		await t.throwsAsync(services.upsert(web(4, {proxyPort: 1, ...wrong})), {
			message: /proxyPort is of a service without algorithm and affinity/,
		});
	}
});

kernel('backends may have the other family where the service says so', async t => {
	const maps = await openServiceMaps(t, {entries: 1024});
	const services = new Services(maps);
	for (const [family, other] of [
		[4, 6],
		[6, 4],
	] as const) {
		const {backends} = web(other);
		const service = web(family, {nat46x64: true, backends, type: 'LoadBalancer'});
		await services.upsert(service);
		for (const reader of [services, new Services(maps)]) {
			const found = reader.get(service.frontend);
			t.true(found?.nat46x64);
			t.true(found?.flags.includes('46x64'));
			t.deepEqual(
				found?.backends.map(({address}) => address),
				backends.map(({address}) => address),
			);
		}

		t.is([...maps.require(`backends${other}`).keys()].length, 2);
		t.true(await new Services(maps).delete(service.frontend));
		t.is([...maps.require(`backends${other}`).keys()].length, 0);
		const wrong = {...service, nat46x64: false};
		await t.throwsAsync(services.upsert(wrong), {message: /address is of IPv/});
		const dsr = {...service, forwardingMode: 'dsr'} as const;
		await t.throwsAsync(services.upsert(dsr), {message: /without DSR/});
	}
});
