/** Services, written into the datapath's maps as they are. */

import type {DatapathMaps} from '../../src/datapath/index.js';
import {raiseIpcacheRevision} from '../../src/datapath/revisions.js';

/** Bits of a service's first slot, by name: of `flags` and of `flags2`. */
const bits = {
	externalIp: [1, 0],
	nodePort: [2, 0],
	externalLocal: [4, 0],
	hostPort: [8, 0],
	affinity: [16, 0],
	loadBalancer: [32, 0],
	routable: [64, 0],
	sourceRange: [128, 0],
	internalLocal: [0, 16],
	twoScopes: [0, 32],
	denies: [0, 64],
	localRedirect: [0, 1],
	l7LoadBalancer: [0, 4],
	dsr: [0, 128],
	nat46x64: [0, 2],
} as const;
export type ServiceFlag = keyof typeof bits;

const states = {active: 0, terminating: 1, quarantined: 2, maintenance: 3} as const;
const algorithms = {random: 1, maglev: 2} as const;

/** A real server, of the same protocol as its service. */
export interface WrittenBackend {
	readonly id: number;
	readonly address: string;
	readonly port: number;
	readonly state?: keyof typeof states;
	/** Whether it is in none of the service's slots. */
	readonly noSlot?: boolean;
}

/** A service of TCP unless given. */
export interface WrittenService {
	/** Its number. */
	readonly id: number;
	readonly address: string;
	readonly port: number;
	/** 0: any. */
	readonly protocol?: number;
	readonly scope?: 'internal';
	readonly flags?: readonly ServiceFlag[];
	readonly backends?: readonly WrittenBackend[];
	/** Seconds of affinity. */
	readonly affinity?: number;
	readonly algorithm?: keyof typeof algorithms;
	/** With the flag `l7LoadBalancer`. */
	readonly proxyPort?: number;
	/** Prefixes that are let in, or kept out. */
	readonly ranges?: readonly string[];
}

/** Writes all of it, from the backends on. */
export function writeService(maps: DatapathMaps, service: WrittenService): void {
	const {id, address, port, protocol = 6, scope, flags = [], backends = []} = service;
	const {affinity = 0, algorithm, ranges = [], proxyPort} = service;
	const family = address.includes(':') ? 6 : 4;
	for (const {id: backend_id, state = 'active', ...ends} of backends) {
		const of = ends.address.includes(':') ? 6 : 4;
		maps.require(`backends${of}`).set(backend_id, {
			...{address: ends.address, port: ends.port, proto: protocol},
			...{flags: states[state], cluster_id: 0, zone: 0},
		});
		maps.require('affinityMatch').set({backend_id, rev_nat_id: id}, 0);
	}

	const services = maps.require(`services${family}`);
	const key = {address, dport: port, proto: protocol, scope: scope === 'internal' ? 1 : 0};
	const common = {rev_nat_index: id, qcount: 0};
	const slots = backends.filter(({noSlot}) => noSlot !== true);
	for (const [i, {id: backend_id}] of slots.entries()) {
		const none = {flags: 0, flags2: 0, count: 0};
		services.set({...key, backend_slot: i + 1}, {...common, ...none, backend_id});
	}

	maps.require(`reverseNat${family}`).set(id, {address, port});
	for (const prefix of ranges) {
		maps.require(`sourceRange${family}`).set({prefix, rev_nat_id: id}, 1);
	}

	const number = algorithm === undefined ? 0 : algorithms[algorithm];
	services.set(
		{...key, backend_slot: 0},
		{
			...{...common, count: slots.length},
			flags: flags.reduce((sum, flag) => sum | bits[flag][0], 0),
			flags2: flags.reduce((sum, flag) => sum | bits[flag][1], 0),
			affinity_timeout: proxyPort ?? affinity + number * 0x100_0000,
		},
	);
	raiseIpcacheRevision(maps);
}
