/** What endpoints send to services gets to their backends, and the replies come from the services. */

import {identities, type Family} from './people.js';
import {exactly} from './nat-packets.js';
import {arrived, at, flow, numbers, served, type Protocol} from './service-packets.js';
import {installService} from './services.js';
import {egress, ingress, table, type TableLine, type TableSettings} from './table.js';

const services: TableSettings = {services: {}};

/** One more line for each protocol. */
function ofProtocol(f: Family, protocol: Protocol): TableLine[] {
	const {toService, toBackend, fromBackend, fromService} = flow(f, protocol);
	const port = protocol === 'sctp' ? 80 : 8080;
	const number = numbers[protocol];
	const service = at(f, {protocol: number, backends: [{at: 'blue', port}]});
	const flows = protocol === 'tcp' ? f.tcpFlows : f.otherFlows;
	const flags = protocol === 'tcp' ? 'S' : undefined;
	const name = protocol.toUpperCase();
	const own = {sport: 40_000, nexthdr: number};
	return [
		{
			...{name: `${name} to a service gets to its backend`, ...service},
			...{packet: toService(flags), goes: 'peer'},
			out: exactly(arrived(f, toBackend(flags))),
			maps: {
				[flows]: [
					{
						key: {...own, dport: 80, saddr: f.address.service, flags: 4},
						after: {backend_id: 1n, rev_nat_index: 7},
					},
					{
						key: {...own, dport: port, saddr: f.address.blue, flags: 0},
						after: {rev_nat_index: 7},
					},
					{
						key: {...own, dport: port, saddr: f.address.blue, flags: 1},
						after: {rev_nat_index: 0},
					},
				],
			},
		},
		{
			...{name: `what follows of ${name} makes no entries`, ...service},
			given: [toService(flags)],
			...{packet: toService(), goes: 'peer', out: exactly(arrived(f, toBackend()))},
		},
		{
			...{name: `the reply of ${name} comes from the service`, ...service},
			given: [toService(flags)],
			...{packet: fromBackend('SA'), program: 'to_endpoint', goes: 'endpoint'},
			out: exactly(fromService('SA')),
		},
		{
			name: `what the backend sends of another flow of ${name} comes from the backend`,
			...service,
			given: [toBackend(flags)],
			...{packet: fromBackend('SA'), program: 'to_endpoint', goes: 'endpoint'},
			out: exactly(fromBackend('SA')),
		},
		{
			name: `ports of ${name} that come to the backend itself get replies from it`,
			...service,
			given: [toService(flags), toBackend(flags)],
			...{packet: fromBackend('SA'), program: 'to_endpoint', goes: 'endpoint'},
			out: exactly(fromBackend('SA')),
		},
		{
			name: `and ports that come to the service get them from the service: ${name}`,
			...service,
			given: [toBackend(flags), toService(flags)],
			...{packet: fromBackend('SA'), program: 'to_endpoint', goes: 'endpoint'},
			out: exactly(fromService('SA')),
		},
	];
}

function balanced(f: Family): TableLine[] {
	const {toService, toBackend} = flow(f);
	const untouched = {goes: 'stack', out: 'unchanged'} as const;
	return [
		...(['tcp', 'udp', 'sctp'] as const).flatMap(protocol => ofProtocol(f, protocol)),
		{
			name: 'ports of SCTP do not change',
			...at(f, {protocol: 132, backends: [{at: 'blue'}]}),
			...{packet: f.sctp({to: 'service'}), drop: [154, egress]},
		},
		...(f.is6
			? []
			: [
					{
						name: 'UDP without a checksum has none behind either',
						...at(f, {protocol: 17, port: 53, backends: [{at: 'blue' as const}]}),
						packet: f.udp({to: 'service', checksum: 0}),
						...{goes: 'peer' as const},
						out: exactly(
							arrived(f, f.udp({to: 'blue', destinationPort: 8080, checksum: 0})),
						),
					},
				]),
		{
			...{name: 'another port of the service is no service', ...at(f, {...served, port: 81})},
			...{packet: toService('S'), ...untouched},
		},
		{
			name: 'another protocol is none',
			...at(f, {...served, protocol: 17}),
			...{packet: toService('S'), ...untouched},
		},
		{
			...{name: 'an echo request is for no service', ...at(f, served)},
			...{packet: f.ping({to: 'service'}), ...untouched},
		},
		{
			name: 'a service without backends drops what is for it',
			...at(f, {}),
			...{packet: toService('S'), drop: [158, egress], maps: {[f.tcpFlows]: []}},
		},
		{
			name: 'backends in quarantine are none',
			...at(f, {backends: [{at: 'blue', state: 'quarantined', noSlot: true}]}),
			...{packet: toService('S'), drop: [158, egress]},
		},
		{
			name: 'a service outside its scope is found by outside entries alone',
			...at(f, {...served, scope: 'internal'}),
			...{packet: toService('S'), ...untouched},
		},
		{
			name: 'of two scopes endpoints have the internal one',
			prepare: node => {
				installService(node, f, {flags: ['twoScopes', 'externalLocal']});
				installService(node, f, {...served, scope: 'internal'});
			},
			...{packet: toService('S'), goes: 'peer', out: exactly(arrived(f, toBackend('S')))},
		},
		{
			name: 'ranges of clients are for those outside',
			...at(f, {...served, flags: ['sourceRange'], ranges: []}),
			...{packet: toService('S'), goes: 'peer'},
		},
		{
			name: 'the policy is asked about the backend',
			policies: {red: {egress: [{peer: identities.blue, protocol: 6, port: 8080}]}},
			...{...at(f, served), packet: toService('S'), goes: 'peer'},
		},
		{
			name: 'and not about the service',
			policies: {red: {egress: [{peer: f.worldIdentity, protocol: 6, port: 80}]}},
			...{...at(f, served), packet: toService('S'), drop: [133, egress]},
		},
		{
			name: 'the backend is asked as ever',
			policies: {blue: {ingress: []}},
			...{...at(f, served), packet: toService('S'), drop: [133, ingress]},
		},
		{
			name: 'the backend may be outside',
			...at(f, {backends: [{at: 'world'}]}),
			...{packet: toService('S'), goes: 'stack', out: exactly(toBackend('S', 'world'))},
		},
		{
			name: 'or the host',
			...at(f, {backends: [{at: 'host'}]}),
			...{packet: toService('S'), goes: 'stack', out: exactly(toBackend('S', 'host'))},
		},
	];
}

table('from_endpoint', balanced, services);
table(
	'from_endpoint',
	(f): TableLine[] => [
		{
			name: 'a service of any protocol is found where they are looked for',
			...at(f, {...served, protocol: 0}),
			packet: flow(f).toService('S'),
			...{goes: 'peer', out: exactly(arrived(f, flow(f).toBackend('S')))},
		},
	],
	{services: {anyProtocol: true}},
);
table(
	'from_endpoint',
	(f): TableLine[] => [
		{
			name: 'services are passed by where packets are not balanced',
			...{...at(f, served), packet: flow(f).toService('S')},
			...{goes: 'stack', out: 'unchanged'},
		},
	],
	{services: {perPacket: false}},
);
