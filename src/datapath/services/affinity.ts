/** Clients and the backends that services keep for them. */

import {UsageError} from '../../base/errors.js';
import type {AffinityKey} from '../layout/service.js';
import type {DatapathMaps} from '../maps.js';
import {readAddress} from './addresses.js';
import {describeBackend} from './read.js';
import type {Backend, Frontend} from './service.js';
import {readState} from './read-state.js';
import {families} from './state.js';
import {protocolText} from './read.js';

/** A client of a service. */
export interface AffinityEntry {
	/** Number of the service. */
	readonly service: number;
	/** Undefined where the service is gone. */
	readonly frontend: (Frontend & {readonly protocol: string}) | undefined;
	readonly family: 4 | 6;
	/** An address, or as bigint the cookie of a network namespace. */
	readonly client: string | bigint;
	/** Undefined where it is gone. */
	readonly backend: Backend | undefined;
	readonly backendId: number;
	/** Seconds of the datapath's clock, on a Cilium node of the monotonic one. */
	readonly lastUsed: bigint;
}

/** Which clients; all of them unless something is said. */
export interface AffinityFilter {
	/** Number of the service. */
	readonly service?: number;
	/** An address, or the cookie of a network namespace. */
	readonly client?: string | bigint;
}

/** Session affinity under a root. */
export class Affinity {
	private readonly maps: DatapathMaps;

	constructor(maps: DatapathMaps) {
		this.maps = maps;
	}

	/** Clients that a service remembers; some may be beyond the service's time and count no more. */
	list(filter: AffinityFilter = {}): AffinityEntry[] {
		const {state, backends} = readState(this.maps);
		const frontends = new Map(
			[...state.entries.values()].map(({number, frontend}) => [
				`${frontend.family} ${number}`,
				frontend,
			]),
		);
		const matches = matcher(filter);
		const found: AffinityEntry[] = [];
		for (const family of families) {
			const name = `affinity${family}` as const;
			if (this.maps[name] === undefined) continue;
			for (const [key, {backend_id, last_used}] of this.maps.require(name)) {
				if (!matches(key)) continue;
				const frontend = frontends.get(`${family} ${key.rev_nat_id}`);
				const backend = backends.get(backend_id);
				found.push({
					service: key.rev_nat_id,
					frontend: frontend && {
						address: frontend.address,
						port: frontend.port,
						protocol: protocolText(frontend.protocol),
						scope: frontend.scope === 1 ? 'internal' : 'external',
					},
					family,
					client: key.client,
					backend: backend && describeBackend(backend),
					backendId: backend_id,
					lastUsed: last_used,
				});
			}
		}

		return found;
	}

	/** Forgets clients, whose next flows are spread anew; how many there were. *Throws:* `ERR_MAP`. */
	flush(filter: AffinityFilter = {}): number {
		const matches = matcher(filter);
		let count = 0;
		for (const family of families) {
			const name = `affinity${family}` as const;
			if (this.maps[name] === undefined) continue;
			const map = this.maps.require(name);
			const keys = [...map.keys()].filter(matches);
			if (keys.length > 0) count += map.deleteMany(keys);
		}

		return count;
	}
}

function matcher({service, client, ...rest}: AffinityFilter): (key: AffinityKey) => boolean {
	const [unknown] = Object.keys(rest);
	if (unknown !== undefined) {
		throw new UsageError(`choose clients: there is no field "${unknown}"`);
	}

	const wanted = typeof client === 'string' ? readAddress(client).text : client;
	return key =>
		(service === undefined || key.rev_nat_id === service) &&
		(wanted === undefined || key.client === wanted);
}
