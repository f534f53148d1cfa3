import {readFileSync} from 'node:fs';
import test from 'ava';
import {parse, stringify} from 'yaml';

import {servicesFromKubernetes, Services, type NewService} from '../../../src/datapath/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {openServiceMaps} from '../../helpers/service-maps.js';
import {countElements, missing} from './whole.js';

const manifest = readFileSync(
	new URL('../../../../test/fixtures/kubernetes/web.yaml', import.meta.url),
	'utf8',
);

/** What a service is, on one line. */
function lineOf({frontend, type, backends, ...rest}: NewService): string {
	const to = backends.map(({address, port, state, local}) => {
		const marks = [state === 'active' ? '' : state, local === true ? 'local' : ''];
		return [`${address} ${port}`, ...marks.filter(mark => mark !== '')].join(' ');
	});
	const {address, port, protocol} = frontend;
	const more = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`;
	return `${type} ${address} ${port}/${protocol} -> ${to.join(', ')}${more}`;
}

const options = {nodeName: 'n1', nodeAddresses: ['192.0.2.1', '2001:db8::1']};

test('a Service and its slices become services of both families', async t => {
	const rest = `{"externalTrafficPolicy":"Local","internalTrafficPolicy":"Cluster","affinity":{"timeout":600}`;
	const ranges = `,"sourceRanges":{"allow":["198.51.100.0/24","2001:db8:100::/48"]}}`;
	const http = {
		4: '10.1.0.1 8080 local, 10.1.0.2 8080 terminating',
		6: 'fd01::1 8080 local, fd01::2 8080',
	};
	const dns = {4: '10.1.0.1 5353 local, 10.1.0.2 5353 terminating', 6: ''};
	const places = [
		['ClusterIP 10.96.0.10', 4, '}'],
		['ClusterIP fd96::a', 6, '}'],
		['ExternalIP 203.0.113.9', 4, '}'],
		['NodePort 192.0.2.1', 4, '}'],
		['NodePort 2001:db8::1', 6, '}'],
		['LoadBalancer 198.51.100.7', 4, ranges],
		['LoadBalancer 2001:db8:7::7', 6, ranges],
	] as const;
	const lines = (await servicesFromKubernetes(manifest, options)).map(lineOf);
	t.deepEqual(lines.slice(0, 7), [
		...places.map(([place, family, end]) => {
			const port = place.startsWith('NodePort') ? 30080 : 80;
			return `${place} ${port}/TCP -> ${http[family]} ${rest}${end}`;
		}),
	]);
	// The second port has no NodePort.
	t.deepEqual(lines.slice(7, 12), [
		...places
			.filter(([place]) => !place.startsWith('NodePort'))
			.map(([place, family, end]) => `${place} 53/UDP -> ${dns[family]} ${rest}${end}`),
	]);
	t.is(lines.length, 12);
});

test('YAML, JSON, objects and lists say the same', async t => {
	const documents = manifest
		.split('\n---\n')
		.map((text): unknown => parse(text))
		.filter(each => each !== null);
	const expected = await servicesFromKubernetes(manifest, options);
	const list = {apiVersion: 'v1', kind: 'List', items: documents};
	for (const input of [documents, list, JSON.stringify(list), stringify(list), [[list]]]) {
		t.deepEqual(await servicesFromKubernetes(input, options), expected);
	}

	t.deepEqual(await servicesFromKubernetes('---\n# nothing\n---\n'), []);
});

const service = (spec: object, more: object = {}): object => ({
	...{kind: 'Service', metadata: {name: 'web'}},
	spec: {clusterIP: '10.96.0.1', ports: [{port: 80}], ...spec},
	...more,
});
const slice = (more: object = {}): object => ({
	kind: 'EndpointSlice',
	metadata: {name: 'web-1', labels: {'kubernetes.io/service-name': 'web'}},
	addressType: 'IPv4',
	ports: [{port: 8080}],
	endpoints: [{addresses: ['10.1.0.1']}],
	...more,
});

const becomes = test.macro({
	async exec(t, _: string, input: object[], expected: string[]) {
		t.deepEqual((await servicesFromKubernetes(input)).map(lineOf), expected);
	},
	title: (_, statement: string) => statement,
});

const plain = '{"externalTrafficPolicy":"Cluster","internalTrafficPolicy":"Cluster"}';
const conditions = (given: object): object =>
	slice({endpoints: [{addresses: ['10.1.0.1'], conditions: given}]});
const active = [`ClusterIP 10.96.0.1 80/TCP -> 10.1.0.1 8080 ${plain}`];
const ending = [`ClusterIP 10.96.0.1 80/TCP -> 10.1.0.1 8080 terminating ${plain}`];
const none = [`ClusterIP 10.96.0.1 80/TCP ->  ${plain}`];

test(becomes, 'what says nothing of its conditions is ready', [service({}), slice()], active);
test(
	becomes,
	'null is nothing',
	[service({}), conditions({ready: null, terminating: null})],
	active,
);
test(becomes, 'what is not ready has no flows', [service({}), conditions({ready: false})], none);
test(
	becomes,
	'what is ending and serves is terminating',
	[service({}), conditions({ready: false, serving: true, terminating: true})],
	ending,
);
test(
	becomes,
	'what is ending and does not serve is gone',
	[service({}), conditions({ready: false, serving: false, terminating: true})],
	none,
);
test(becomes, 'a Service without slices has no backends', [service({})], none);
test(becomes, 'a headless Service has no address', [service({clusterIP: 'None'}), slice()], []);
test(
	becomes,
	'another host’s name is no service',
	[service({type: 'ExternalName', clusterIP: '', externalName: 'example.org'})],
	[],
);
test(
	becomes,
	'without addresses of the node, NodePorts are written for any',
	[service({type: 'NodePort', ports: [{port: 80, nodePort: 30080}]})],
	[...none, `NodePort 0.0.0.0 30080/TCP ->  ${plain}`],
);
test(
	becomes,
	'an endpoint that moves between slices counts once',
	[service({}), conditions({serving: true, terminating: true}), slice()],
	active,
);
test(
	becomes,
	'annotations choose how flows are spread and sent',
	[
		service(
			{type: 'LoadBalancer', clusterIP: '', loadBalancerSourceRanges: [' 10.0.0.0/8 ']},
			{
				metadata: {
					name: 'web',
					annotations: {
						'service.cilium.io/lb-algorithm': 'maglev',
						'service.cilium.io/forwarding-mode': 'dsr',
						'service.cilium.io/src-ranges-policy': 'deny',
					},
				},
				status: {
					loadBalancer: {
						ingress: [
							{ip: '198.51.100.7'},
							{hostname: 'a.example'},
							{ip: '198.51.100.8', ipMode: 'Proxy'},
						],
					},
				},
			},
		),
	],
	[
		'LoadBalancer 198.51.100.7 80/TCP ->  {"externalTrafficPolicy":"Cluster","internalTrafficPolicy":"Cluster","algorithm":"maglev","forwardingMode":"dsr","sourceRanges":{"deny":["10.0.0.0/8"]}}',
	],
);

const refused = test.macro({
	async exec(t, input: unknown, message: string) {
		await t.throwsAsync(servicesFromKubernetes(input), {code: 'ERR_USAGE', message});
	},
	title: (_, __, message: string) => message,
});

const svc = 'read Service "default/web": ';
const eps = 'read EndpointSlice "default/web-1": ';
test(
	refused,
	'a: b: c',
	'read document 1: Nested mappings are not allowed in compact mappings at line 1, column 4',
);
test(
	refused,
	'kind: Deployment',
	'read document 1: kind is one of Service, EndpointSlice, List, ServiceList, EndpointSliceList, got "Deployment"',
);
test(refused, '- 1', 'read document 1, item 1: it is an object, got 1');
test(
	refused,
	{kind: 'Service', metadata: {}},
	'read document 1: metadata.name is a text, got nothing',
);
test(refused, [service({}), service({})], `${svc}metadata.name is given once, got "default/web"`);
test(
	refused,
	service({type: 'Headless'}),
	`${svc}spec.type is one of ClusterIP, NodePort, LoadBalancer, ExternalName, got "Headless"`,
);
test(refused, service({clusterIP: 'x'}), `${svc}spec.clusterIP is an address, got "x"`);
test(refused, service({clusterIPs: ['10.96.0.1', 7]}), `${svc}spec.clusterIPs[1] is a text, got 7`);
test(
	refused,
	service({externalIPs: ['10.0.0']}),
	`${svc}spec.externalIPs[0] is an address, got "10.0.0"`,
);
test(refused, service({ports: {}}), `${svc}spec.ports is a list, got {}`);
test(
	refused,
	service({ports: [{port: '80'}]}),
	`${svc}spec.ports[0].port is a whole number from 1 to 65535, got "80"`,
);
test(
	refused,
	service({ports: [{port: 80, protocol: 'HTTP'}]}),
	`${svc}spec.ports[0].protocol is one of TCP, UDP, SCTP, got "HTTP"`,
);
test(
	refused,
	service({sessionAffinity: 'Cookie'}),
	`${svc}spec.sessionAffinity is one of None, ClientIP, got "Cookie"`,
);
test(
	refused,
	service({sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}}),
	`${svc}spec.sessionAffinityConfig.clientIP.timeoutSeconds is a whole number from 1 to 86400, got 0`,
);
test(
	refused,
	service({type: 'LoadBalancer', loadBalancerSourceRanges: ['10/8']}),
	`${svc}spec.loadBalancerSourceRanges[0] is a prefix, got "10/8"`,
);
test(
	refused,
	service({}, {metadata: {name: 'web', annotations: {'service.cilium.io/lb-algorithm': 'lru'}}}),
	`${svc}metadata.annotations["service.cilium.io/lb-algorithm"] is one of random, maglev, got "lru"`,
);
test(
	refused,
	[slice()],
	`${eps}it has in metadata.labels["kubernetes.io/service-name"] a Service that is given, got "default/web"`,
);
test(
	refused,
	[service({}), slice({addressType: 'ipv4'})],
	`${eps}addressType is one of IPv4, IPv6, FQDN, got "ipv4"`,
);
test(
	refused,
	[service({}), slice({endpoints: [{addresses: []}]})],
	`${eps}endpoints[0].addresses has an address, got []`,
);
test(
	refused,
	[service({}), slice({endpoints: [{addresses: ['fd01::1']}]})],
	`${eps}endpoints[0].addresses[0] is of IPv4, got "fd01::1"`,
);
test(
	refused,
	[service({}), conditions({ready: 'yes'})],
	`${eps}endpoints[0].conditions.ready is true or false, got "yes"`,
);
test(
	refused,
	[service({}), slice({ports: [{port: 70000}]})],
	`${eps}ports[0].port is a whole number from 1 to 65535, got 70000`,
);

const kernel = kernelTest({feature: 'maps of services', since: '5.6'});

kernel('manifests are applied, again without a write, and others are pruned', async t => {
	const maps = await openServiceMaps(t, {entries: 1024});
	const services = new Services(maps);
	await services.upsert({frontend: {address: '10.96.9.9', port: 1}, backends: []});
	const {ids} = await services.applyKubernetes(manifest, {...options, prune: true});
	t.is(ids.length, 12);
	t.deepEqual(missing(maps), []);
	t.like(await services.applyKubernetes(manifest, options), {written: 0, removed: 0});
	const [outside, inside] = (['external', 'internal'] as const).map(scope =>
		services
			.get({address: '198.51.100.7', port: 80, scope})
			?.backends.map(({address, quarantined}) => [address, quarantined]),
	);
	t.deepEqual(outside, [['10.1.0.1', false]]);
	t.deepEqual(inside, [
		['10.1.0.1', false],
		['10.1.0.2', true],
	]);
	await services.applyKubernetes([], {prune: true});
	t.is(countElements(maps), 0);
});

test('an alias of nothing is refused', async t => {
	await t.throwsAsync(servicesFromKubernetes('kind: *nothing'), {
		code: 'ERR_USAGE',
		message: /^read document 1: Unresolved alias .*: nothing$/,
	});
});
