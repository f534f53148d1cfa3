/** Backends by themselves, in whichever services they are. */

import {UsageError} from '../../base/errors.js';
import {DatapathError} from '../datapath-error.js';
import type {DatapathMaps} from '../maps.js';
import {readAddress} from './addresses.js';
import {backendStates, type BackendState} from './flags.js';
import type {Planner} from './planner.js';
import {describeBackend} from './read.js';
import type {Backend} from './service.js';
import {readState} from './read-state.js';
import {usersOf, type BackendRecord, type ServiceState} from './state.js';
import {readFrontend} from './wanted.js';

/** A backend, and the numbers of the services that have it. */
export interface ListedBackend extends Backend {
	readonly services: readonly number[];
}

/** A backend by its id, or all of an address and port; of one protocol where that is given. */
export type BackendReference =
	number | {readonly address: string; readonly port: number; readonly protocol?: string | number};

/** Makes a change while nobody else does. */
export type Change = (plan: (planner: Planner, state: ServiceState) => void) => Promise<unknown>;

/** The backends under a root. */
export class Backends {
	private readonly maps: DatapathMaps;
	private readonly change: Change;

	/** @internal */
	constructor(maps: DatapathMaps, change: Change) {
		this.maps = maps;
		this.change = change;
	}

	/** All of them, by id. */
	list(): ListedBackend[] {
		const {backends} = readState(this.maps);
		return [...backends.values()].map(listed).sort((a, b) => a.id - b.id);
	}

	/** Those that are meant; none where there is no such backend. */
	get(reference: BackendReference): ListedBackend[] {
		const {backends} = readState(this.maps);
		return find(backends.values(), reference).map(listed);
	}

	/**
	 * Says how far backends take part, in all services that have them; how many there are. New flows
	 * go to active ones only, and where a service has none to those that are terminating; running
	 * flows stay with theirs.
	 *
	 * *Throws:* `ERR_USAGE`, `ERR_DATAPATH` where there is no such backend, `ERR_MAP`.
	 */
	async setState(reference: BackendReference, state: BackendState): Promise<number> {
		if (!backendStates.includes(state)) {
			const known = backendStates.join(', ');
			throw new UsageError(`set state of backend: it is one of ${known}, got "${state}"`);
		}

		let count = 0;
		await this.change((planner, present) => {
			const found = find(present.backends.values(), reference);
			count = found.length;
			if (count === 0) {
				const detail = 'there is no such backend';
				throw new DatapathError('set state of backend', textOf(reference), detail);
			}

			for (const backend of found) planner.setState(backend, state);
		});
		return count;
	}

	/** Gives backends no more new flows: the same as `setState` to `terminating`. */
	async drain(reference: BackendReference): Promise<number> {
		return this.setState(reference, 'terminating');
	}
}

function find(all: Iterable<BackendRecord>, reference: BackendReference): BackendRecord[] {
	if (typeof reference === 'number') return [...all].filter(({id}) => id === reference);

	const {address, port, protocol} = reference;
	const {text} = readAddress(address);
	const wanted = protocol === undefined ? undefined : readFrontend({address, port, protocol});
	return [...all].filter(
		each =>
			each.address === text &&
			each.port === port &&
			(wanted === undefined || each.protocol === wanted.protocol),
	);
}

function listed(record: BackendRecord): ListedBackend {
	const services = [...usersOf(record)].map(({number}) => number).sort((a, b) => a - b);
	return {...describeBackend(record), services};
}

function textOf(reference: BackendReference): string {
	if (typeof reference === 'number') return String(reference);
	const {address, port} = reference;
	return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
