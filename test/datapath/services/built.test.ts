import {fileURLToPath} from 'node:url';

import {
	maglevTable,
	openDatapathMaps,
	readMaglevTable,
	Services,
} from '../../../src/datapath/index.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {readObject} from '../../../src/spec/read.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';
import {countElements, missing} from './whole.js';

const kernel = kernelTest({feature: 'maps of the datapath', since: '5.15'});

kernel('the maps of the built objects take services and tables', async t => {
	const root = await makeBpffs(t);
	const path = fileURLToPath(new URL('../../../bpf/endpoint.bpf.o', import.meta.url));
	const spec = await readObject(path);
	using _collection = loadCollection({...spec, programs: {}}, {pinRoot: root});
	using maps = openDatapathMaps({root, write: true});
	const services = new Services(maps, {algorithm: 'maglev'});
	for (const family of [4, 6] as const) {
		const at = (net: number, host: number): string =>
			family === 4 ? `10.${net}.0.${host}` : `fd${net}::${host}`;
		const service = {
			frontend: {address: at(96, 1), port: 53, protocol: 'udp'},
			type: 'LoadBalancer' as const,
			affinity: {timeout: 60},
			sourceRanges: {allow: [`${at(20, 0)}/16`]},
			backends: [1, 2].map(host => ({address: at(10, host), port: 5353, weight: host})),
		};
		await services.upsert(service);
		t.like(await new Services(maps, {algorithm: 'maglev'}).upsert(service), {
			written: 0,
			removed: 0,
		});
		t.deepEqual(missing(maps), []);
		const read = services.get(service.frontend);
		const table = read && readMaglevTable(maps, read);
		t.deepEqual(table, await maglevTable(table?.backends ?? []));
		await services.backends.drain(read?.backends[0]?.id ?? 0);
		t.deepEqual(missing(maps), []);
		await services.delete(service.frontend);
	}

	t.is(countElements(maps), 0);
});
