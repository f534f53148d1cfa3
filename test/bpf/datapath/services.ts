/** Services of the tables, written into the datapath's maps. */

import type {ExecutionContext} from 'ava';

import {createMap} from '../../../src/object/map/create-map.js';
import type {GuardedNode} from './guarded-node.js';
import type {Family, Person} from './people.js';

/** What services are written to. */
export const serviceMaps = [
	...([
		'services4',
		'services6',
		'backends4',
		'backends6',
		'reverseNat4',
		'reverseNat6',
	] as const),
	...(['affinity4', 'affinity6', 'affinityMatch', 'sourceRange4', 'sourceRange6'] as const),
] as const;

/** Bits of a service's first slot, by name. */
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
} as const;
export type ServiceFlag = keyof typeof bits;

export const backendStates = {active: 0, terminating: 1, quarantined: 2, maintenance: 3} as const;

/** A real server, of the same protocol as its service. */
export interface TestBackend {
	/** 0 and 1 and so on by their places unless given. */
	readonly id?: number;
	readonly at: Person;
	/** 8080 unless given. */
	readonly port?: number;
	readonly state?: keyof typeof backendStates;
	/** Whether it is in none of the service's slots. */
	readonly noSlot?: boolean;
}

/** TCP at port 80 of the virtual address unless given. */
export interface TestService {
	readonly at?: Person;
	readonly port?: number;
	/** 0: any. */
	readonly protocol?: number;
	/** Its number; 7 unless given. */
	readonly id?: number;
	readonly scope?: 'internal';
	readonly flags?: readonly ServiceFlag[];
	readonly backends?: readonly TestBackend[];
	/** Seconds of affinity. */
	readonly affinity?: number;
	readonly algorithm?: 'random' | 'maglev';
	/** Prefixes that are let in, or kept out. */
	readonly ranges?: readonly string[];
}

const algorithms = {random: 1, maglev: 2} as const;

export function installService(
	{maps}: Pick<GuardedNode, 'maps'>,
	f: Family,
	service: TestService,
): void {
	const {at = 'service', port = 80, protocol = 6, id = 7, backends = [], flags = []} = service;
	const {scope, affinity = 0, algorithm, ranges = []} = service;
	const family = f.is6 ? 6 : 4;
	const services = maps.require(`services${family}`);
	const key = {
		...{address: f.address[at], dport: port, proto: protocol},
		scope: scope === 'internal' ? 1 : 0,
	};
	const slots = backends.filter(({noSlot}) => noSlot !== true);
	for (const [i, backend] of backends.entries()) {
		maps.require(`backends${family}`).set(backendId(backend, i), {
			...{address: f.address[backend.at], port: backend.port ?? 8080, proto: protocol},
			...{flags: backendStates[backend.state ?? 'active'], cluster_id: 0, zone: 0},
		});
		maps.require('affinityMatch').set({backend_id: backendId(backend, i), rev_nat_id: id}, 0);
	}

	const common = {rev_nat_index: id, qcount: 0};
	for (const [i, backend] of slots.entries()) {
		services.set(
			{...key, backend_slot: i + 1},
			{
				...{...common, flags: 0, flags2: 0, count: 0},
				backend_id: backendId(backend, backends.indexOf(backend)),
			},
		);
	}

	maps.require(`reverseNat${family}`).set(id, {address: f.address[at], port});
	for (const prefix of ranges) {
		maps.require(`sourceRange${family}`).set({prefix, rev_nat_id: id}, 1);
	}

	services.set(
		{...key, backend_slot: 0},
		{
			...{...common, count: slots.length},
			flags: flags.reduce((sum, flag) => sum | bits[flag][0], 0),
			flags2: flags.reduce((sum, flag) => sum | bits[flag][1], 0),
			affinity_timeout:
				affinity + (algorithm === undefined ? 0 : algorithms[algorithm] * 0x100_0000),
		},
	);
}

const backendId = ({id}: TestBackend, place: number): number => id ?? 1 + place;

/** Gives a service a table in which each place has the backend that is named for it. */
export function installMaglev(
	t: ExecutionContext,
	{maps}: Pick<GuardedNode, 'maps'>,
	f: Family,
	id: number,
	backendOf: readonly number[],
): void {
	const table = createMap({
		...{type: 'array', name: 'maglev_table', keySize: 4, maxEntries: 1},
		valueSize: backendOf.length * 4,
	});
	t.teardown(() => {
		table.close();
	});
	table.raw.set(Buffer.alloc(4), Buffer.from(Uint32Array.from(backendOf).buffer));
	maps.require(f.is6 ? 'maglev6' : 'maglev4').set(id, table);
}
