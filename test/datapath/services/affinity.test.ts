import {Affinity, Services} from '../../../src/datapath/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {openServiceMaps} from '../../helpers/service-maps.js';

const kernel = kernelTest({feature: 'maps of services', since: '5.6'});

kernel('clients are listed with service and backend, and forgotten', async t => {
	const maps = await openServiceMaps(t, {entries: 64});
	const services = new Services(maps);
	const affinity = new Affinity(maps);
	for (const family of [4, 6] as const) {
		const four = family === 4;
		const {
			ids: [service = 0],
		} = await services.upsert({
			frontend: {address: four ? '10.96.0.1' : 'fd96::1', port: 53, protocol: 'udp'},
			affinity: {timeout: 60},
			backends: [{address: four ? '10.1.0.1' : 'fd01::1', port: 53}],
		});
		const [backend] = services.backends.list().slice(-1);
		const map = maps.require(`affinity${family}`);
		const client = four ? '192.0.2.7' : '2001:db8::7';
		const value = {last_used: 77n, backend_id: backend?.id ?? 0};
		map.set({client, rev_nat_id: service}, value);
		map.set({client: 0x1234n, rev_nat_id: service}, value);
		map.set({client, rev_nat_id: 999}, {...value, backend_id: 555});

		const fields = Object.entries(backend ?? {});
		const plain = Object.fromEntries(fields.filter(([name]) => name !== 'services'));
		t.deepEqual(affinity.list({service, client}), [
			{
				service,
				frontend: {
					...{address: four ? '10.96.0.1' : 'fd96::1', port: 53},
					...{protocol: 'udp', scope: 'external'},
				},
				...{family, client, backend: plain, backendId: backend?.id, lastUsed: 77n},
			},
		] as never);
		t.is(affinity.list({client: 0x1234n})[0]?.client, 0x1234n);
		t.like(affinity.list({service: 999})[0], {frontend: undefined, backend: undefined});
		t.is(affinity.flush({service, client: 0x1234n}), 1);
		t.is(affinity.flush({service}), 1);
		t.is(affinity.flush(), 1);
		t.deepEqual(affinity.list(), []);
	}

	t.throws(() => affinity.list({services: 1} as never), {code: 'ERR_USAGE'});
});
