import {readdirSync} from 'node:fs';

import {
	Endpoints,
	Ipcache,
	Metrics,
	Policies,
	type DatapathMapName,
	type DatapathMaps,
	type PolicyRule,
} from '../../src/datapath/index.js';
import {icmp, icmpv6, tcp, udp} from '../../src/lab/index.js';
import {mapFreeze} from '../../src/kernel/sys/map.js';
import {endpoint, guardEndpoint, received, sent, type Family} from '../helpers/guarded-endpoint.js';
import {kernelTest} from '../helpers/kernel.js';

const kernel = kernelTest({feature: 'rings in maps', since: '5.11'});
const families = ['ipv4', 'ipv6'] as const;
const shot = 2;

const elements = (maps: DatapathMaps, ...names: readonly DatapathMapName[]): unknown[] =>
	names.map(name => {
		const found = maps[name] as unknown as {map: Iterable<unknown>};
		return [...found.map].map(each => JSON.stringify(each, bigints)).sort();
	});

const bigints = (_: string, value: unknown): unknown =>
	typeof value === 'bigint' ? `${value}n` : value;

const openers = {
	tcp: (port: number) => tcp({sourcePort: port, destinationPort: 80, flags: 'S'}),
	udp: (port: number) => udp({sourcePort: port, destinationPort: 53}),
};

for (const [protocol, opener] of Object.entries(openers)) {
	for (const family of families) {
		const name = `${protocol === 'tcp' ? 'ct' : 'ct_any'}${family === 'ipv4' ? '4' : '6'}_global`;
		kernel(
			`where ${name} takes no entry, a new flow is dropped and a known one is not`,
			async t => {
				// One that evicts nothing; what evicts makes room.
				const full = {type: 'hash', maxEntries: 1} as const;
				const {fromEndpoint, collection, maps} = await guardEndpoint(t, {}, 0, {
					[name]: full,
				});
				const run = (port: number): number =>
					fromEndpoint.run({data: sent(family, opener(port))}).returnValue;
				const drops = (): unknown[] =>
					new Metrics(maps)
						.list()
						.filter(({reason}) => reason >= 128)
						.map(({reasonText, packets, file}) => [reasonText, packets, file]);

				t.not(run(1000), shot);
				t.is(run(1001), shot);
				t.deepEqual(drops(), [['CT: Map insertion failed', 1n, 'conntrack.h']]);
				t.not(run(1000), shot);

				const map = collection.map(name);
				const [key] = [...map.keys()];
				t.true(map.delete(key));
				t.not(run(1001), shot);
				t.deepEqual(drops(), [['CT: Map insertion failed', 1n, 'conntrack.h']]);
			},
		);
	}
}

kernel('a ping that conntrack takes no entry for is dropped, in both families', async t => {
	const full = {type: 'hash', maxEntries: 1} as const;
	const {fromEndpoint, maps} = await guardEndpoint(t, {}, 0, {
		ct_any4_global: full,
		ct_any6_global: full,
	});
	for (const family of families) {
		const echo = family === 'ipv4' ? icmp : icmpv6;
		const ping = (id: number): number =>
			fromEndpoint.run({data: sent(family, echo({type: 'echoRequest', identifier: id}))})
				.returnValue;
		t.not(ping(1), shot);
		t.is(ping(2), shot);
		t.not(ping(1), shot);
	}

	const [row, ...others] = new Metrics(maps).list().filter(({reason}) => reason >= 128);
	t.like(row, {reason: 155, packets: 2n});
	t.deepEqual(others, []);
});

kernel('an ipcache that is full takes all entries or none', async t => {
	const {maps} = await guardEndpoint(t, {}, 0, {ipcache_v2: {maxEntries: 6}});
	const ipcache = new Ipcache(maps);
	ipcache.upsert([
		{prefix: '10.0.0.0/8', identity: 300},
		{prefix: '10.1.0.0/16', identity: 300},
		{prefix: '10.1.2.3', identity: 301, tunnelEndpoint: '192.0.2.9'},
		{prefix: 'fd00::/8', identity: 400},
	]);
	const before = elements(maps, 'ipcache');
	const config = maps.require('runtimeConfig');
	const revision = config.get(128);
	const error = t.throws(() =>
		ipcache.upsert([
			// Of just this prefix, inside another one that says the same, new, inside another, new.
			{prefix: '10.1.0.0/16', identity: 999},
			{prefix: '10.1.2.3', identity: 998},
			{prefix: '192.0.2.0/24', identity: 997},
			{prefix: 'fd00::1', identity: 400},
			{prefix: 'fd00::/8', identity: 996},
			{prefix: '2001:db8::/32', identity: 995},
		]),
	);
	t.like(error, {code: 'ERR_MAP_FULL'});
	t.is(error.message, 'write map "ipcache_v2": the map is full');
	t.deepEqual(elements(maps, 'ipcache'), before);
	t.not(config.get(128), revision);
	// One that is named twice is new all the same.
	const inside = [1, 1, 2, 3].map(i => ({prefix: `fd00::${i}`, identity: 400}));
	t.throws(() => ipcache.upsert(inside), {code: 'ERR_MAP_FULL'});
	t.deepEqual(elements(maps, 'ipcache'), before);
	ipcache.upsert([
		{prefix: 'fd00::1', identity: 401},
		{prefix: '192.0.2.0/24', identity: 997},
	]);
	t.is([...ipcache].length, 6);
});

kernel('an endpoint that does not fit is not added by half, nor the one before lost', async t => {
	const {maps} = await guardEndpoint(t, {}, 0, {lxc: {maxEntries: 3}});
	const endpoints = new Endpoints(maps);
	const names = ['endpoints', 'endpointDevices', 'moreEndpointDevices', 'ipcache'] as const;
	const lo = {interface: 'lo', mac: '02:00:00:00:00:01', attach: false} as const;
	endpoints.add({...lo, id: 7, identity: 300, ipv4: '10.0.0.7', ipv6: 'fd00::7'});
	const before = elements(maps, ...names);
	const error = t.throws(() =>
		endpoints.add({...lo, id: 7, identity: 301, ipv4: '10.0.0.8', ipv6: 'fd00::8'}),
	);
	t.like(error, {code: 'ERR_MAP_FULL'});
	t.regex(error.message, /^write map "lxc": the map is full/);
	t.deepEqual(elements(maps, ...names), before);

	// One address changes: there is room for that.
	endpoints.add({...lo, id: 7, identity: 301, ipv4: '10.0.0.7', ipv6: 'fd00::8'});
	t.like(endpoints.get(7), {identity: 301, addresses: ['10.0.0.7', 'fd00::8']});
	t.is(new Ipcache(maps).match('fd00::7'), undefined);
	t.is(new Ipcache(maps).match('fd00::8')?.identity, 301);
});

kernel('an endpoint whose addresses the ipcache does not take is not added', async t => {
	const {maps} = await guardEndpoint(t, {}, 0, {ipcache_v2: {maxEntries: 1}});
	const names = ['endpoints', 'endpointDevices', 'moreEndpointDevices', 'ipcache'] as const;
	const before = elements(maps, ...names);
	t.throws(
		() =>
			new Endpoints(maps).add({
				...{interface: 'lo', mac: '02:00:00:00:00:01', attach: false},
				...{id: 7, identity: 300, ipv4: '10.0.0.7', ipv6: 'fd00::7'},
			}),
		{code: 'ERR_MAP_FULL', message: /^write map "ipcache_v2": the map is full$/},
	);
	t.deepEqual(elements(maps, ...names), before);
});

kernel('a policy that cannot be put in force leaves the one before, which goes on', async t => {
	const {maps, root, toEndpoint} = await guardEndpoint(t);
	const policies = new Policies(maps);
	const web: PolicyRule = {
		...{direction: 'ingress', peers: 'any', action: 'allow', protocol: 'tcp', ports: 80},
	};
	await policies.replace(endpoint.id, [web], {enforce: {ingress: true}});
	const passes = (family: Family, port: number, source: number): boolean => {
		const opener = tcp({sourcePort: source, destinationPort: port, flags: 'S'});
		return toEndpoint.run({data: received(family, opener)}).returnValue !== shot;
	};
	const before = policies.get(endpoint.id);
	const pins = readdirSync(root).toSorted();

	// Programs go on with what user space cannot write any more.
	mapFreeze(maps.require('policies').fd);
	const other = {...web, ports: 81};
	const error = await t.throwsAsync(
		policies.replace(endpoint.id, [other], {enforce: {ingress: false}, audit: true}),
	);
	t.like(error, {code: 'ERR_MAP'});
	t.regex(error.message, /^write map "policies": it is frozen/);
	t.deepEqual({...policies.get(endpoint.id), revision: 0}, {...before, revision: 0});
	t.deepEqual(readdirSync(root).toSorted(), pins);
	for (const [i, family] of families.entries()) {
		t.true(passes(family, 80, 2000 + i));
		t.false(passes(family, 81, 3000 + i));
	}

	const removed = await t.throwsAsync(policies.remove(endpoint.id));
	t.like(removed, {code: 'ERR_MAP'});
	for (const [i, family] of families.entries()) t.false(passes(family, 81, 4000 + i));
});

kernel('a policy of more rules than a map usually takes gets a larger map', async t => {
	const {maps, toEndpoint} = await guardEndpoint(t);
	const rules = Array.from({length: 20_000}, (_, i): PolicyRule => {
		return {direction: 'ingress', peers: 1000 + i, action: 'allow'};
	});
	const world: PolicyRule = {direction: 'ingress', peers: 'world', action: 'allow'};
	const policies = new Policies(maps);
	const {entries} = await policies.replace(endpoint.id, [...rules, world], {
		enforce: {ingress: true},
	});
	t.is(entries, 20_003);
	t.is(policies.get(endpoint.id)?.entries.length, entries);
	for (const family of families) {
		const opener = tcp({sourcePort: 5000, destinationPort: 80, flags: 'S'});
		t.not(toEndpoint.run({data: received(family, opener)}).returnValue, shot);
	}
});
