import test, {type ExecutionContext} from 'ava';

import {
	openDatapathMaps,
	Services,
	type DatapathMaps,
	type NewService,
	type Service,
} from '../../../src/datapath/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {openServiceMaps} from '../../helpers/service-maps.js';
import {countElements, missing} from './whole.js';

const kernel = kernelTest({feature: 'maps of services', since: '5.6'});

type Family = 4 | 6;

const address = (family: Family, net: number, host: number): string =>
	family === 4 ? `10.${net}.0.${host}` : `fd00:${net}::${host.toString(16)}`;

const backends = (family: Family, ...hosts: number[]): {address: string; port: number}[] =>
	hosts.map(host => ({address: address(family, 1, host), port: 8080}));

const web = (family: Family, more: Partial<NewService> = {}): NewService => ({
	frontend: {address: address(family, 96, 1), port: 80},
	backends: backends(family, 1, 2, 3),
	...more,
});

const ids = (service: Service | undefined): number[] => service?.backends.map(({id}) => id) ?? [];
const hosts = (service: Service | undefined): string[] =>
	service?.backends.map(each => each.address) ?? [];

async function setUp(t: ExecutionContext): Promise<{maps: DatapathMaps; services: Services}> {
	const maps = await openServiceMaps(t, {entries: 1024});
	return {maps, services: new Services(maps)};
}

const typeFlags: Record<string, string[]> = {
	ClusterIP: ['ClusterIP', 'non-routable'],
	NodePort: ['NodePort'],
	LoadBalancer: ['LoadBalancer'],
	ExternalIP: ['ExternalIPs'],
	HostPort: ['HostPort'],
};

const written = test.macro({
	async exec(t, family: Family, type: NonNullable<NewService['type']>) {
		const {maps, services} = await setUp(t);
		const service = web(family, {type, surrogate: false});
		const {
			ids: [id],
			...counts
		} = await services.upsert(service);
		const hasWildcard = type === 'ClusterIP' || type === 'LoadBalancer';

		t.deepEqual(counts, {written: 3 + 1 + 3 + 1 + Number(hasWildcard), removed: 0});
		const expected: Service = {
			id: id ?? 0,
			frontend: {...service.frontend, protocol: 'tcp', scope: 'external', port: 80},
			type,
			flags: typeFlags[type] ?? [],
			algorithm: 'default',
			affinity: undefined,
			externalTrafficPolicy: 'Cluster',
			internalTrafficPolicy: 'Cluster',
			sourceRanges: undefined,
			forwardingMode: 'snat',
			backends: service.backends.map((backend, i) => ({
				...backend,
				...{id: i + 1, protocol: 'tcp', state: 'active' as const, zone: 0},
				...{slot: i + 1, weight: 100, quarantined: false},
			})),
		};
		t.deepEqual(services.get(service.frontend), expected);
		t.deepEqual([...services], [expected]);
		t.deepEqual(missing(maps), []);

		const again = {ids: [id], written: 0, removed: 0};
		t.deepEqual(await services.upsert(service), again as never);
		t.deepEqual(await new Services(maps).upsert(service), again as never);
		t.true(await services.delete(service.frontend));
		t.false(await services.delete(service.frontend));
		t.is(countElements(maps), 0);
	},
	title: (_, family, type) => `a ${type} of IPv${family} is written, read, and removed`,
});

for (const family of [4, 6] as const) {
	for (const type of Object.keys(typeFlags) as NonNullable<NewService['type']>[]) {
		kernel(written, family, type);
	}
}

kernel('bytes are those of the tables of layouts', async t => {
	const {maps, services} = await setUp(t);
	for (const family of [4, 6] as const) {
		await services.upsert({
			...web(family, {type: 'LoadBalancer', algorithm: 'random', wildcard: false}),
			...{affinity: {timeout: 10}, forwardingMode: 'dsr', backends: backends(family, 1)},
		});
	}

	const elements = (name: 'services4' | 'services6'): string[] => {
		const all: string[] = [];
		for (const {keys, values, count, keySize, valueStride} of maps.require(name).batches()) {
			for (let i = 0; i < count; i++) {
				const key = Buffer.from(keys.slice(i * keySize, (i + 1) * keySize));
				const value = Buffer.from(values.slice(i * valueStride, (i + 1) * valueStride));
				all.push(`${key.toString('hex')} ${value.toString('hex')}`);
			}
		}

		return all.sort();
	};
	// Address, port, slot, protocol, scope; spread or backend, count, number, flags, qcount.
	const bytes = (...parts: readonly string[]): string => parts.join('');
	t.deepEqual(elements('services4'), [
		`${bytes('0a600001', '0050', '0000', '06', '00', '0000')} ${bytes('0a000001', '0100', '0001', '7080', '0000')}`,
		`${bytes('0a600001', '0050', '0100', '06', '00', '0000')} ${bytes('01000000', '0000', '0001', '0000', '0000')}`,
	]);
	const six = 'fd000096000000000000000000000001';
	t.deepEqual(elements('services6'), [
		`${bytes(six, '0050', '0000', '06', '00', '0000')} ${bytes('0a000001', '0100', '0002', '7080', '0000')}`,
		`${bytes(six, '0050', '0100', '06', '00', '0000')} ${bytes('02000000', '0000', '0002', '0000', '0000')}`,
	]);
});

kernel('changes keep what stays in its place and remove what is gone', async t => {
	const {maps, services} = await setUp(t);
	for (const family of [4, 6] as const) {
		await services.upsert(web(family));
		const {frontend} = web(family);
		const before = ids(services.get(frontend));
		const replaced = await services.upsert(web(family, {backends: backends(family, 1, 9, 3)}));
		t.deepEqual(replaced, {ids: replaced.ids, written: 2, removed: 1});
		const after = ids(services.get(frontend));
		t.deepEqual([after[0], after[2]], [before[0], before[2]]);
		t.deepEqual(
			hosts(services.get(frontend)),
			[1, 9, 3].map(n => address(family, 1, n)),
		);

		// The last one moves to the free place.
		t.like(await services.upsert(web(family, {backends: backends(family, 9, 3)})), {
			...{written: 2, removed: 2},
		});
		t.deepEqual(
			hosts(services.get(frontend)),
			[3, 9].map(n => address(family, 1, n)),
		);
		t.like(await services.upsert(web(family, {backends: []})), {written: 1, removed: 4});
		t.deepEqual(services.get(frontend)?.backends, []);
		t.is([...maps.require(`services${family}`)].length, 2);
		t.deepEqual(missing(maps), []);
	}
});

kernel('flows are judged again where a service is new, and not where it changes', async t => {
	const {maps, services} = await setUp(t);
	const revision = () => maps.require('runtimeConfig').get(128) ?? 0n;
	for (const family of [4, 6] as const) {
		const before = revision();
		await services.upsert(web(family));
		const after = revision();
		t.true(after > before);
		await services.upsert(web(family, {backends: backends(family, 1, 2)}));
		await services.upsert(web(family, {backends: backends(family, 1, 2)}));
		t.is(revision(), after);
	}
});

kernel('a backend of two services goes with the last one', async t => {
	const {maps, services} = await setUp(t);
	const other = {...web(4), frontend: {address: '10.96.0.2', port: 80}};
	await services.upsertMany([web(4), other]);
	t.is(services.backends.list().length, 3);
	t.deepEqual(services.backends.list()[0]?.services, [1, 2]);
	t.deepEqual(ids(services.get(other.frontend)), ids(services.get(web(4).frontend)));
	await services.delete(other.frontend);
	t.is(services.backends.list().length, 3);
	t.deepEqual(services.backends.get({address: '10.1.0.1', port: 8080})[0]?.services, [1]);
	await services.delete(web(4).frontend);
	t.is(countElements(maps), 0);
});

kernel('the state of a backend counts in all of its services', async t => {
	const {maps, services} = await setUp(t);
	for (const family of [4, 6] as const) {
		const affinity = {timeout: 60};
		const other = {...web(family), frontend: {address: address(family, 96, 2), port: 80}};
		await services.upsertMany([web(family, {affinity}), other]);
		const [first, second] = ids(services.get(other.frontend));
		t.is(await services.backends.setState(first ?? 0, 'quarantined'), 1);
		for (const {frontend} of [web(family), other]) {
			const read = services.get(frontend);
			t.deepEqual(
				read?.backends.map(({id, quarantined, state}) => [id, quarantined, state]),
				[
					[first === 1 ? 3 : (first ?? 0) + 2, false, 'active'],
					[second, false, 'active'],
					[first, true, 'quarantined'],
				] as never,
			);
		}

		t.deepEqual(missing(maps), []);
		// Given no state, it stays as it is.
		t.like(await services.upsert(other), {written: 0, removed: 0});
		const {address: host = '', port = 0} = services.backends.get(second ?? 0)[0] ?? {};
		t.is(await services.backends.drain({address: host, port, protocol: 'tcp'}), 1);
		t.is(services.get(other.frontend)?.backends.filter(b => b.quarantined).length, 2);
		await services.backends.setState(
			{address: address(family, 1, 3), port: 8080},
			'maintenance',
		);
		// None is active: the terminating one still gets flows.
		const read = services.get(other.frontend)?.backends ?? [];
		t.deepEqual(
			read.map(each => each.quarantined),
			[false, true, true],
		);
		t.is(read[0]?.state, 'terminating');
		t.deepEqual(new Set(read.map(each => each.state)).size, 3);
		await services.backends.setState(first ?? 0, 'active');
		t.deepEqual(
			services
				.get(other.frontend)
				?.backends.filter(b => !b.quarantined)
				.map(b => b.id),
			[first ?? 0],
		);
		t.deepEqual(missing(maps), []);
		await services.upsertMany([], {prune: true});
		t.is(countElements(maps), 0);
	}

	await t.throwsAsync(services.backends.drain(99), {
		code: 'ERR_DATAPATH',
		message: /"99": there is no such/,
	});
	await t.throwsAsync(services.backends.setState(1, 'up' as never), {code: 'ERR_USAGE'});
});

kernel('where policies differ there are two scopes, and one again afterwards', async t => {
	const {maps, services} = await setUp(t);
	for (const family of [4, 6] as const) {
		const service = web(family, {
			type: 'LoadBalancer',
			externalTrafficPolicy: 'Local',
			backends: backends(family, 1, 2).map((each, i) => ({...each, local: i === 0})),
		});
		const {frontend} = service;
		await services.upsert(service);
		const [outside, inside] = (['external', 'internal'] as const).map(scope =>
			services.get({...frontend, scope}),
		);
		t.deepEqual(hosts(outside), [address(family, 1, 1)]);
		t.deepEqual(
			hosts(inside),
			[1, 2].map(n => address(family, 1, n)),
		);
		t.deepEqual(outside?.flags, ['LoadBalancer', 'Local', 'two-scopes']);
		t.deepEqual(inside?.flags, ['LoadBalancer', 'Local', 'two-scopes']);
		t.not(outside?.id, inside?.id);
		await services.upsert({...service, externalTrafficPolicy: 'Cluster'});
		t.is(services.get({...frontend, scope: 'internal'}), undefined);
		t.deepEqual(services.get(frontend)?.flags, ['LoadBalancer']);
		t.is(hosts(services.get(frontend)).length, 2);
		await services.upsert(service);
		t.true(await services.delete(frontend));
		const local = web(family, {internalTrafficPolicy: 'Local', backends: service.backends});
		await services.upsert(local);
		t.deepEqual(services.get(frontend)?.flags, ['ClusterIP', 'InternalLocal', 'non-routable']);
		t.is(hosts(services.get(frontend)).length, 1);
		await services.delete(frontend);
		t.is(countElements(maps), 0);
	}
});

kernel('source ranges of the frontend’s family are followed', async t => {
	const {maps, services} = await setUp(t);
	const allow = ['10.9.0.7/8', '192.0.2.0/24', 'fd00:7::1/32'];
	for (const family of [4, 6] as const) {
		const service = web(family, {type: 'LoadBalancer', sourceRanges: {allow}});
		await services.upsert(service);
		const own = family === 4 ? ['10.0.0.0/8', '192.0.2.0/24'] : ['fd00:7::/32'];
		t.deepEqual(services.get(service.frontend)?.sourceRanges, {allow: own});
		t.deepEqual(services.list()[0]?.sourceRanges, {allow: own});
		t.like(await services.upsert(service), {written: 0, removed: 0});
		const open = web(family, {type: 'LoadBalancer'});
		const deny = [own[0] ?? ''];
		await services.upsert({...open, sourceRanges: {deny}});
		t.deepEqual(services.get(service.frontend)?.sourceRanges, {deny});
		t.true(services.get(service.frontend)?.flags.includes('deny source-range'));
		await services.upsert(open);
		t.is(services.get(service.frontend)?.sourceRanges, undefined);
		t.deepEqual([...maps.require(`sourceRange${family}`)], []);
		await services.delete(service.frontend);
		t.is(countElements(maps), 0);
	}
});

kernel('affinity lets clients keep backends that are active', async t => {
	const {maps, services} = await setUp(t);
	const service = web(4, {affinity: {timeout: 0xff_ffff}, algorithm: 'random'});
	await services.upsert(service);
	t.like(services.get(service.frontend), {algorithm: 'random', affinity: {timeout: 0xff_ffff}});
	const kept = (): number[] =>
		[...maps.require('affinityMatch').keys()].map(key => key.backend_id).sort();
	t.deepEqual(kept(), [1, 2, 3]);
	await services.backends.drain(2);
	t.deepEqual(kept(), [1, 3]);
	await services.upsert(web(4));
	t.deepEqual(kept(), []);
	t.is(services.get(service.frontend)?.affinity, undefined);
});

kernel('other ports of an address are refused until its last service goes', async t => {
	const {maps, services} = await setUp(t);
	for (const family of [4, 6] as const) {
		const others = {
			address: address(family, 96, 1),
			dport: 0,
			backend_slot: 0,
			proto: 0,
			scope: 0,
		};
		const map = maps.require(`services${family}`);
		const tls = {...web(family), frontend: {address: address(family, 96, 1), port: 443}};
		await services.upsertMany([web(family), tls]);
		t.like(map.get(others), {count: 0, rev_nat_index: 0, flags: 0});
		t.is(services.list().length, 2);
		await services.delete(tls.frontend);
		t.true(map.has(others));
		await services.delete(web(family).frontend);
		t.false(map.has(others));
		await services.upsert(web(family, {wildcard: false}));
		t.false(map.has(others));
		// Found by the port whatever the protocol.
		const all = {address: address(family, 96, 1), port: 9, protocol: 'any'};
		await services.upsert({
			frontend: all,
			backends: [{address: address(family, 1, 1), port: 1}],
		});
		t.is(services.get(all)?.backends[0]?.protocol, 'any');
		await services.upsertMany([], {prune: true});
		t.is(countElements(maps), 0);
	}
});

kernel('a NodePort is found under any address of the node while there is one', async t => {
	const {maps, services} = await setUp(t);
	for (const family of [4, 6] as const) {
		const at = (host: number): NewService => ({
			...{type: 'NodePort', backends: backends(family, 1)},
			frontend: {address: address(family, 0, host), port: 30080},
		});
		await services.upsertMany([at(1), at(2)]);
		const anywhere = {address: family === 4 ? '0.0.0.0' : '::', port: 30080};
		t.deepEqual(services.get(anywhere)?.flags, ['NodePort', 'non-routable']);
		t.is(services.list().length, 3);
		await services.delete(at(1).frontend);
		t.deepEqual(hosts(services.get(anywhere)), [address(family, 1, 1)]);
		await services.delete(at(2).frontend);
		t.is(countElements(maps), 0);
	}
});

kernel('two who change services see what the other did', async t => {
	const {maps, services} = await setUp(t);
	using other = openDatapathMaps({root: maps.root, write: true, version: 'skep'});
	const second = new Services(other);
	const at = (host: number): NewService => ({
		...web(4),
		frontend: {address: address(4, 96, host), port: 80},
		backends: backends(4, host, host + 1),
	});
	const all = Array.from({length: 40}, (_, i) => at(i + 1));
	await Promise.all(all.map(async (each, i) => (i % 2 === 0 ? services : second).upsert(each)));
	t.is(services.list().length, 40);
	t.is(new Set(services.list().map(({id}) => id)).size, 40);
	t.is(second.backends.list().length, 41);
	await Promise.all(
		all.map(async (each, i) => (i % 3 === 0 ? services : second).delete(each.frontend)),
	);
	t.is(countElements(maps), 0);
});
