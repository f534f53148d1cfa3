/** Who is translated, and to which port. */

import type {GuardedNode} from './guarded-node.js';
import {fromNodeBy, masquerading} from './nat-packets.js';
import type {Family} from './people.js';
import {egress, ingress, table, type TableLine, type TableSettings} from './table.js';

const inRange = (port: number): boolean => port >= 32_768;

/** Settings that leave some out. */
const choosy: TableSettings = {
	...masquerading,
	masquerade: {
		...masquerading.masquerade,
		nativeRouting: ['198.51.100.0/24', 'fd00:2::/32'],
		remoteNodes: true,
	},
};

table(
	'to_netdev',
	(f: Family): TableLine[] => {
		const untouched = {goes: 'by itself', out: 'unchanged', maps: {[f.nat]: []}} as const;
		const leaves = {goes: 'network', out: fromNodeBy(f, inRange)} as const;
		const flag = f.is6 ? 8 : 4;
		return [
			...(['lab', 'desk'] as const).map(to => ({
				name: `what goes to ${to}, where red is known, keeps its source`,
				packet: f.tcp({to, flags: 'S'}),
				...untouched,
			})),
			{
				name: 'what goes elsewhere does not',
				...{packet: f.tcp({flags: 'S'}), ...leaves},
			},
			{
				name: 'what goes to other nodes does not',
				...{packet: f.tcp({to: 'node', flags: 'S'}), ...leaves},
			},
			...(['in', 'out of'] as const).map(where => ({
				name: `a destination ${where} an excluded prefix`,
				meanwhile: ({maps}: GuardedNode) => {
					const name = f.is6 ? 'masqueradeExclusions6' : 'masqueradeExclusions4';
					const prefix = f.is6 ? '2001:db8::77/127' : '192.0.2.76/31';
					const other = f.is6 ? '2001:db8::80/121' : '192.0.2.80/28';
					const map = maps.require(name);
					for (const key of [...map.keys()]) map.delete(key);
					map.set({prefix: where === 'in' ? prefix : other}, {flags: 0});
				},
				packet: f.tcp({flags: 'S'}),
				...(where === 'in' ? untouched : leaves),
			})),
			...[flag, 12 - flag, 1].map(flags => ({
				name: `what an endpoint with flags ${flags} sends`,
				meanwhile: ({maps}: GuardedNode) => {
					const endpoints = maps.require('endpoints');
					const key = {address: f.address.far};
					const info = endpoints.get(key);
					if (info !== undefined) endpoints.set(key, {...info, flags});
				},
				packet: f.tcp({from: 'far', flags: 'S'}),
				...(flags === 12 - flag ? leaves : untouched),
			})),
		];
	},
	choosy,
);

table(
	'to_netdev',
	(f: Family): TableLine[] => {
		const syn = (sourcePort: number, from: 'red' | 'blue' = 'red') =>
			f.tcp({from, sourcePort, flags: 'S'});
		const four = [1, 2, 3, 4].map(port => syn(port));
		return [
			{
				name: 'the last port is found',
				given: four.slice(1),
				packet: syn(1),
				goes: 'network',
				out: fromNodeBy(f, port => port >= 50_000 && port <= 50_003),
			},
			{
				name: 'when all are taken it says so',
				given: four,
				packet: syn(50_000),
				drop: [167, egress],
				counts: [[64, egress]],
				maps: {[f.nat]: [], [f.natRetries]: [{key: 32, before: 0, after: 1}]},
			},
			{
				name: 'another port of the world has them all once more',
				given: four,
				packet: f.tcp({sourcePort: 1, destinationPort: 81, flags: 'S'}),
				goes: 'network',
			},
			{
				name: 'who has one keeps it',
				given: four,
				packet: syn(3),
				...{goes: 'network', maps: {[f.nat]: [], [f.natRetries]: []}},
			},
			{
				name: 'an identifier is not of the range',
				packet: f.ping({identifier: 9}),
				...{goes: 'network', out: fromNodeBy(f, port => port === 9)},
			},
			{
				name: 'ports of the node outside the range are its own',
				packet: f.tcp({from: 'host', sourcePort: 50_004, flags: 'S'}),
				...{goes: 'by itself', out: 'unchanged', maps: {[f.nat]: []}},
			},
		];
	},
	{...masquerading, nat: {...masquerading.nat, ports: [50_000, 50_003]}},
);

table(
	'from_netdev',
	(f: Family): TableLine[] => [
		{
			name: 'the host has a policy of its own for what it gets, not for what red gets',
			policies: {host: {ingress: []}},
			given: [{packet: f.tcp({flags: 'S'}), program: 'to_netdev'}],
			packets: [
				{
					packet: f.tcp({
						...{from: 'world', to: 'host', flags: 'SA'},
						...{sourcePort: 80, destinationPort: 40_000},
					}),
					goes: 'peer',
				},
				{
					packet: f.tcp({
						...{from: 'world', to: 'host', flags: 'S'},
						...{sourcePort: 81, destinationPort: 40_000},
					}),
					drop: [133, ingress],
				},
			],
		},
	],
	{...masquerading, hostFirewall: true},
);
