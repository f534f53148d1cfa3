/** The services of a node: who answers on behalf of which address. */

import {UsageError} from '../../base/errors.js';
import {DatapathError} from '../datapath-error.js';
import {waitForServicesLock} from '../locks.js';
import type {DatapathMaps} from '../maps.js';
import {
	raiseIpcacheRevision,
	raiseServicesRevision,
	readServicesRevision,
	writeServicesRevision,
} from '../revisions.js';
import {Backends} from './backends.js';
import {servicesFromKubernetes, type KubernetesOptions} from './kubernetes.js';
import {Gate} from './gate.js';
import {checkMaglevSize, readMaglevSeed} from './maglev.js';
import {Planner} from './planner.js';
import {describeEntry, readService as readOne} from './read.js';
import type {Frontend, NewService, Service} from './service.js';
import {readState, type Leftovers} from './read-state.js';
import type {ServiceState} from './state.js';
import {Tables, type TableOptions} from './tables.js';
import {isSurrogate, readFrontend, readService, type WantedEntry} from './wanted.js';
import {Writes} from './writes.js';

/** What of a node its services depend on. All of its processes have to say the same. */
export interface ServicesOptions extends TableOptions {
	/** How long to wait while another process changes services, in milliseconds; 5000 unless given. */
	readonly wait?: number;
}

/** What a change came to. */
export interface ServicesChange {
	/** Numbers of the services, in the order given: of those with two scopes, the external one's. */
	readonly ids: readonly number[];
	/** Elements of maps that were written; 0 where everything was as wanted. */
	readonly written: number;
	/** Elements that were removed. */
	readonly removed: number;
}

/** The maps as they were after our last change. */
interface Present {
	readonly state: ServiceState;
	readonly leftovers: Leftovers;
	readonly planner: Planner;
	readonly tables: Tables;
	/** How often they were changed until then; undefined where nobody counts. */
	revision: bigint | undefined;
}

const optionNames = new Set(['algorithm', 'size', 'seed', 'wait']);

/**
 * The services of a datapath.
 *
 * Reading works on a Cilium node's maps, too. Changes need maps that were opened with `write`. Each is
 * written in an order in which no packet finds half a service, and is done once its promise settles;
 * changes of several processes wait for each other. What a process that died left behind is taken
 * away by the next change.
 */
export class Services {
	readonly backends: Backends;
	private readonly maps: DatapathMaps;
	private readonly options: ServicesOptions;
	private readonly writes: Writes;
	private readonly gate = new Gate();
	private present: Present | undefined;

	/** *Throws:* `ERR_USAGE`. */
	constructor(maps: DatapathMaps, options: ServicesOptions = {}) {
		const unknown = Object.keys(options).find(key => !optionNames.has(key));
		if (unknown !== undefined) {
			throw new UsageError(`open services: there is no option "${unknown}"`);
		}

		if (options.size !== undefined) checkMaglevSize(options.size);
		readMaglevSeed(options.seed);
		this.maps = maps;
		this.options = options;
		this.writes = new Writes(maps);
		this.backends = new Backends(maps, async plan => this.change(plan));
	}

	/** All of them, by number. */
	list(): Service[] {
		const {state} = readState(this.maps);
		return [...state.entries.values()].sort((a, b) => a.number - b.number).map(describeEntry);
	}

	/** The same. */
	[Symbol.iterator](): Iterator<Service> {
		return this.list().values();
	}

	/** The service of a frontend, of scope `external` unless told; undefined where there is none. */
	get(frontend: Frontend): Service | undefined {
		return readOne(this.maps, readFrontend(frontend));
	}

	/**
	 * Makes a service what is given, be it there or not; given again, it writes nothing.
	 *
	 * *Throws:* `ERR_USAGE` that names the field, `ERR_MAP_FULL`, `ERR_MAP`, `ERR_DATAPATH`.
	 */
	async upsert(service: NewService): Promise<ServicesChange> {
		const entries = readService(service);
		return this.change(
			(planner, state) => {
				if (service.frontend.scope === undefined) removeOthers(planner, state, entries);
				for (const entry of entries) planner.upsert(entry);
			},
			[ownOf(entries)],
		);
	}

	/**
	 * The same for many, in batches; with `prune` all other services go. *Kernel:* batches 5.6.
	 */
	async upsertMany(
		services: Iterable<NewService>,
		{prune = false}: {readonly prune?: boolean} = {},
	): Promise<ServicesChange> {
		const keys: string[] = [];
		const wanted = new Map<string, WantedEntry>();
		const unscoped: WantedEntry[][] = [];
		for (const service of services) {
			const entries = readService(service);
			for (const entry of entries) {
				const {key} = entry.frontend;
				if (wanted.has(key) && !isSurrogate(entry.frontend)) {
					throw new UsageError(`add services: ${key} stands in the list before`);
				}

				wanted.set(key, entry);
			}

			keys.push(ownOf(entries));
			if (service.frontend.scope === undefined) unscoped.push(entries);
		}

		return this.change((planner, state) => {
			for (const entries of unscoped) removeOthers(planner, state, entries);
			if (prune) for (const key of state.entries.keys()) planner.remove(key);
			for (const entry of wanted.values()) planner.upsert(entry);
		}, keys);
	}

	/**
	 * Makes services what manifests of Kubernetes say; see `servicesFromKubernetes`. What other
	 * manifests said before stays, unless `prune` is set.
	 *
	 * *Throws:* `ERR_USAGE` that names the object and the field, `ERR_MAP_FULL`, `ERR_MAP`.
	 */
	async applyKubernetes(
		input: unknown,
		{prune = false, ...options}: KubernetesOptions & {readonly prune?: boolean} = {},
	): Promise<ServicesChange> {
		return this.upsertMany(await servicesFromKubernetes(input, options), {prune});
	}

	/**
	 * Removes a service, in both scopes unless one is given, with what nothing else uses of it;
	 * whether it was there.
	 */
	async delete(frontend: Frontend): Promise<boolean> {
		return (await this.deleteMany([frontend])) > 0;
	}

	/** Removes many; how many of them were there. */
	async deleteMany(frontends: Iterable<Frontend>): Promise<number> {
		const keys = [...frontends].map(frontend => {
			const {key} = readFrontend(frontend);
			return frontend.scope === undefined ? [key, inScope(key, 1)] : [key];
		});
		let count = 0;
		await this.change((planner, state) => {
			count = keys.filter(own => own.some(key => state.entries.has(key))).length;
			for (const key of keys.flat()) planner.remove(key);
		});
		return count;
	}

	/** Takes away what a process that died on the way left behind; how many elements. */
	async recover(): Promise<number> {
		this.present = undefined;
		const {removed} = await this.change(() => undefined);
		// Who died may not have come to tell the programs of what it had written.
		if (this.maps.prefix === '') raiseServicesRevision(this.maps);
		return removed;
	}

	private async change(
		plan: (planner: Planner, state: ServiceState) => void,
		keys: readonly string[] = [],
	): Promise<ServicesChange> {
		const {writes, maps, options} = this;
		const turn = this.gate.enter();
		if (turn !== undefined) await turn;
		let isLocked = false;
		try {
			if (!maps.servicesLock.take()) await waitForServicesLock(maps, options.wait ?? 5000);
			isLocked = true;
			const mended = this.isFresh() ? 0 : await this.refresh();
			const present = this.present ?? this.read();
			const {state, planner, tables} = present;
			writes.clear();
			tables.clear();
			planner.clear();
			plan(planner, state);
			planner.finish();
			if (tables.isIdle) this.writeNow(present);
			else await this.write(present);
			return {
				ids: keys.map(key => state.entries.get(key)?.number ?? 0),
				written: writes.written + tables.written,
				removed: writes.removed + tables.removed + mended,
			};
		} catch (error) {
			// The state may be ahead of the maps.
			this.present = undefined;
			throw error;
		} finally {
			if (isLocked) maps.servicesLock.release();
			this.gate.leave();
		}
	}

	/** Are the maps as they were after our last change? */
	private isFresh(): boolean {
		const revision = this.present?.revision;
		return revision !== undefined && readServicesRevision(this.maps) === revision;
	}

	/** Reads the maps, and takes away what was left behind; how many elements. */
	private async refresh(): Promise<number> {
		const fresh = this.read();
		// Another datapath's agent may keep what nothing seems to lead to.
		if (this.maps.prefix !== '' || isEmpty(fresh.leftovers)) return 0;
		this.writes.clear();
		fresh.planner.mend(fresh.leftovers);
		fresh.planner.finish();
		await this.write(fresh);
		return this.writes.removed + fresh.tables.removed;
	}

	private read(): Present {
		requireQuarantine(this.maps);
		const revision = readServicesRevision(this.maps);
		const {state, leftovers} = readState(this.maps);
		const tables = new Tables(this.maps, this.options);
		const planner = new Planner(state, this.writes, tables);
		this.present = {state, leftovers, revision, planner, tables};
		return this.present;
	}

	private async write(present: Present): Promise<void> {
		if (this.writes.isEmpty && present.tables.isIdle) return;
		const {hasServices} = this.writes;
		this.raise(present);
		try {
			await this.writes.flush(present.tables);
		} finally {
			this.raise(present);
			if (hasServices) this.judgeAgain(present);
		}
	}

	private writeNow(present: Present): void {
		if (this.writes.isEmpty) return;
		const {hasServices} = this.writes;
		this.raise(present);
		try {
			this.writes.flushNow();
		} finally {
			this.raise(present);
			if (hasServices) this.judgeAgain(present);
		}
	}

	/** Endpoints' flows to what is a service's address now: known flows are for no service. */
	private judgeAgain({revision}: Present): void {
		if (revision !== undefined) raiseIpcacheRevision(this.maps);
	}

	/**
	 * Ahead of what is written, so that whoever comes after a crash reads everything anew; and behind
	 * it, so that programs forget what they know.
	 */
	private raise(present: Present): void {
		if (present.revision === undefined) return;
		present.revision = writeServicesRevision(this.maps, present.revision);
	}
}

/** *Throws:* `ERR_DATAPATH` for layouts that have no number of slots in quarantine. */
function requireQuarantine(maps: DatapathMaps): void {
	for (const found of [maps.services4, maps.services6]) {
		if (found?.known !== true || found.layout.versions.some(each => each >= '1.17')) continue;
		const detail = 'services before Cilium 1.17 are read, not changed';
		throw new DatapathError('change services', found.path, detail);
	}
}

function inScope(key: string, scope: number): string {
	return `${key.slice(0, -1)}${scope}`;
}

/** The key of a service's own entry: the external one, and no surrogate where there is another. */
function ownOf(entries: readonly WantedEntry[]): string {
	if (entries.length === 1) return entries[0]?.frontend.key ?? '';
	const own = entries.findLast(each => !isSurrogate(each.frontend)) ?? entries.at(-1);
	return own?.frontend.key ?? '';
}

/** Of a service that is written in one scope removes what is there of it in the other. */
function removeOthers(
	planner: Planner,
	state: ServiceState,
	entries: readonly WantedEntry[],
): void {
	if (state.internals > 0) for (const key of otherScopes(entries)) planner.remove(key);
}

/** The keys that a service had if it was written in two scopes, without its own. */
function otherScopes(entries: readonly WantedEntry[]): string[] {
	const [only] = entries;
	if (entries.length === 1 && only !== undefined) {
		const {key, scope} = only.frontend;
		return scope === 0 ? [inScope(key, 1)] : [];
	}

	const own = new Set(entries.map(({frontend}) => frontend.key));
	return [...own].map(key => inScope(key, 1)).filter(key => !own.has(key));
}

function isEmpty(leftovers: Leftovers): boolean {
	return Object.values(leftovers).every(list => (list as readonly unknown[]).length === 0);
}
