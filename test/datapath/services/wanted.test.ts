import test from 'ava';

import {Services, type DatapathMaps, type NewService} from '../../../src/datapath/index.js';

import {backendKey, frontendOf} from '../../../src/datapath/services/wanted.js';

const web: NewService = {
	frontend: {address: '10.96.0.1', port: 80},
	backends: [{address: '10.1.0.1', port: 8080}],
};

const refused = test.macro({
	async exec(t, more: object, message: RegExp) {
		const services = new Services({} as DatapathMaps);
		await t.throwsAsync(services.upsert({...web, ...more}), {code: 'ERR_USAGE', message});
	},
	title: (_, more) => `the service ${JSON.stringify(more)} is refused by field`,
});

const from = '10.1.0.1';
test(refused, {fronted: 1}, /no field "fronted"; did you mean "frontend"\?/);
test(
	refused,
	{frontend: {address: '10.0.0', port: 80}},
	/frontend\.address is an address, got "10/,
);
test(refused, {frontend: {address: from, port: 0}}, /frontend\.port is a whole number from 1/);
test(refused, {frontend: {address: from, port: 80, protocol: 'http'}}, /frontend\.protocol/);
test(refused, {frontend: {address: from, port: 80, scope: 'both'}}, /frontend\.scope is one of/);
test(refused, {type: 'Clusterip'}, /type is one of ClusterIP, /);
test(refused, {algorithm: 'lru'}, /algorithm is one of/);
test(refused, {affinity: {timeout: 0}}, /affinity\.timeout is a whole number from 1 to 16777215/);
test(refused, {externalTrafficPolicy: 'local'}, /externalTrafficPolicy is one of Cluster, Local/);
test(refused, {sourceRanges: {allow: [], deny: []}}, /sourceRanges has either allow or deny/);
test(refused, {sourceRanges: {allow: ['10.0.0.0/33']}}, /sourceRanges\.allow\[0\] is a prefix/);
test(refused, {backends: {}}, /backends is a list/);
test(refused, {backends: [{address: 'fd00::1', port: 1}]}, /backends\[0\]\.address is of IPv4/);
test(refused, {backends: [{address: from, port: 65536}]}, /backends\[0\]\.port/);
test(refused, {backends: [{address: from, port: 1, weight: 0}]}, /backends\[0\]\.weight/);
test(refused, {backends: [{address: from, port: 1, zone: 256}]}, /backends\[0\]\.zone/);
test(refused, {backends: [{address: from, port: 1, state: 'up'}]}, /backends\[0\]\.state/);
test(
	refused,
	{
		backends: [
			{address: from, port: 1},
			{address: from, port: 1},
		],
	},
	/backends\[1\] stands/,
);

test('options and lists that cannot be meant are refused', async t => {
	const maps = {} as DatapathMaps;
	t.throws(() => new Services(maps, {sizes: 1} as never), {message: /no option "sizes"/});
	t.throws(() => new Services(maps, {size: 1000}), {message: /size is one of 251/});
	t.throws(() => new Services(maps, {seed: 'abc'}), {message: /12 bytes in base64/});
	await t.throwsAsync(new Services(maps).upsertMany([web, web]), {
		message: /10\.96\.0\.1 80 6 0 stands in the list before/,
	});
});

test('frontends and backends have keys of their own, whichever was asked for before', t => {
	const address = '10.0.0.1';
	const all = [80, 443].flatMap(port =>
		[6, 17].flatMap(protocol => [0, 1].map(scope => ({port, protocol, scope}))),
	);
	for (const before of all) {
		for (const {port, protocol, scope} of all) {
			frontendOf(4, address, before.port, before.protocol, before.scope);
			backendKey(address, before.port, before.protocol);
			const {key} = frontendOf(4, address, port, protocol, scope);
			t.is(key, `${address} ${port} ${protocol} ${scope}`);
			t.is(backendKey(address, port, protocol), `${address} ${port} ${protocol}`);
		}
	}
});
