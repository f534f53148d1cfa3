/** Services and backends read from the maps, in the form in which people see them. */

import type {DatapathMaps} from '../maps.js';
import type {ServiceValue} from '../layout/service.js';
import {protocolName} from '../protocols.js';
import type {Family} from './addresses.js';
import {flags1, flags2, flagWords, stateName, typeOf, unpackSpread} from './flags.js';
import {defaultWeight} from './maglev.js';
import type {Backend, Service, ServiceBackend} from './service.js';
import {isWildcard} from './read-state.js';
import type {BackendRecord, Entry} from './state.js';
import type {WantedFrontend} from './wanted.js';

/** How a service says `any`. */
export function protocolText(protocol: number): string {
	return protocol === 0 ? 'any' : protocolName(protocol);
}

export function describeBackend(record: BackendRecord): Backend {
	const {id, address, port, protocol, state, zone} = record;
	return {id, address, port, protocol: protocolText(protocol), state: stateName(state), zone};
}

/** An entry with its backends; those that are not in the maps are left out. */
export function describeEntry(entry: Entry): Service {
	const {frontend, number, count, slots} = entry;
	const backends: ServiceBackend[] = [];
	for (const [i, {weight, backend}] of slots.entries()) {
		if (backend === undefined) continue;
		const {id, address, port, protocol, state, zone} = backend;
		backends.push({
			id,
			address,
			port,
			protocol: protocolText(protocol),
			state: stateName(state),
			zone,
			slot: i + 1,
			weight,
			quarantined: i >= count,
		});
	}

	return {...describeHead(frontend, number, entry, entry.ranges), backends};
}

function describeHead(
	{family, address, port, protocol, scope}: WantedFrontend,
	id: number,
	{spread, flags: first, flags2: second}: Pick<Entry, 'spread' | 'flags' | 'flags2'>,
	prefixes: readonly string[],
): Omit<Service, 'backends'> {
	const isProxied = (second & flags2.l7LoadBalancer) !== 0;
	const {algorithm, timeout} = unpackSpread(isProxied ? 0 : spread);
	const hasRanges = (first & flags1.sourceRange) !== 0;
	const isDeny = (second & flags2.sourceRangeDeny) !== 0;
	const ranges = isDeny ? {deny: prefixes} : {allow: prefixes};
	return {
		id,
		frontend: {
			address,
			port,
			protocol: protocolText(protocol),
			scope: scope === 1 ? 'internal' : 'external',
		},
		type: typeOf(first, second),
		flags: flagWords(first, second),
		algorithm,
		affinity: (first & flags1.affinity) === 0 ? undefined : {timeout},
		externalTrafficPolicy: (first & flags1.externalLocal) === 0 ? 'Cluster' : 'Local',
		internalTrafficPolicy: (second & flags2.internalLocal) === 0 ? 'Cluster' : 'Local',
		sourceRanges: hasRanges ? ranges : undefined,
		forwardingMode: (second & flags2.dsr) === 0 ? 'snat' : 'dsr',
		...(isProxied && {proxyPort: spread}),
		...(backendFamily(family, second) !== family && {nat46x64: true}),
	};
}

/** One service without reading the others; undefined where there is none. */
export function readService(maps: DatapathMaps, frontend: WantedFrontend): Service | undefined {
	const {family, address, port, protocol, scope} = frontend;
	const services = maps.require(`services${family}`);
	const at = (slot: number): ServiceValue | undefined =>
		services.get({address, dport: port, backend_slot: slot, proto: protocol, scope});
	const value = at(0);
	if (value === undefined || isWildcard(frontend)) return undefined;
	const {rev_nat_index: id, flags, flags2: second, count, qcount = 0} = value;
	const backends: ServiceBackend[] = [];
	for (let slot = 1; slot <= count + qcount; slot++) {
		const {backend_id, count: weight} = at(slot) ?? {};
		const backend =
			backend_id === undefined
				? undefined
				: readBackend(maps, backendFamily(family, second), backend_id);
		if (backend === undefined) continue;
		const place = {slot, weight: weight || defaultWeight, quarantined: slot > count};
		backends.push({...backend, ...place});
	}

	const ranges = [];
	if ((flags & flags1.sourceRange) !== 0) {
		for (const key of maps.require(`sourceRange${family}`).keys()) {
			if (key.rev_nat_id === id) ranges.push(key.prefix);
		}
	}

	const spread = value.affinity_timeout ?? 0;
	const head = describeHead(frontend, id, {spread, flags, flags2: second}, ranges.sort());
	return {...head, backends};
}

/** Of a service with these flags. */
function backendFamily(family: Family, second: number): Family {
	if ((second & flags2.nat46x64) === 0) return family;
	return family === 4 ? 6 : 4;
}

function readBackend(maps: DatapathMaps, family: Family, id: number): Backend | undefined {
	const value = maps.require(`backends${family}`).get(id);
	if (value === undefined) return undefined;
	const {address, port, proto, flags, zone = 0} = value;
	return {id, address, port, protocol: protocolText(proto), state: stateName(flags), zone};
}
