import {nearest} from '../../base/suggest.js';
import {EbpfError} from '../../base/errors.js';
import type {BtfFeature} from '../../format/btf/strip.js';
import type {BtfLoadError} from '../btf/btf-object.js';
import type {BpfMap} from '../map/map.js';
import type {PinOrigin} from '../map/reuse-pin.js';
import type {MigrationReport} from '../migrate/migration.js';
import type {CommitOptions, Upgrade} from '../migrate/upgrade.js';
import type {Program} from '../program/program.js';
import type {DataSection} from './data-section.js';
import type {StructOps} from './struct-ops.js';
import type {Variable} from './variable.js';

/** A collection has no map, program or variable of that name. */
export class NotFoundError extends EbpfError {
	static {
		this.prototype.name = 'NotFoundError';
	}

	readonly code = 'ERR_NOT_FOUND';

	constructor(kind: string, name: string, known: readonly string[]) {
		const close = nearest(name, known);
		const advice = close === undefined ? '' : `; did you mean "${close}"?`;
		super(`find ${kind} "${name}": the object has no such ${kind}${advice}`);
	}
}

/** A map of a collection that is pinned. */
export interface MapPin {
	readonly name: string;
	readonly path: string;
	readonly map: BpfMap;
	/** Whether it was there before, was made, or was made to take another's place. */
	readonly how: PinOrigin;
}

/** What a collection is made of. */
export interface CollectionParts {
	readonly maps: Readonly<Record<string, BpfMap>>;
	readonly programs: Readonly<Record<string, Program>>;
	readonly variables: Readonly<Record<string, Variable>>;
	/** Where the variables are. */
	readonly sections: readonly DataSection[];
	/** Those of `maps` that belong to someone else and stay open. */
	readonly borrowed: ReadonlySet<BpfMap>;
	readonly pins: readonly MapPin[];
	readonly structOps: Readonly<Record<string, StructOps>>;
	readonly typesLeftOut: readonly BtfFeature[];
	readonly typesRefusal: BtfLoadError | undefined;
	readonly upgrade: Upgrade;
}

/** The maps and programs of one object, loaded together; `close()` closes all of them. */
export class Collection implements Disposable {
	/** By name in the object; `.rodata` and other data sections are maps as well. */
	readonly maps: Readonly<Record<string, BpfMap>>;
	readonly programs: Readonly<Record<string, Program>>;
	/** Global variables, live: each access is to what the programs see. */
	readonly variables: Readonly<Record<string, Variable>>;

	/** Maps that are pinned, and where. */
	readonly pins: readonly MapPin[];
	/** Structs of the kernel's that the programs are functions of, by their map's name. */
	readonly structOps: Readonly<Record<string, StructOps>>;
	/** Of its types, what this kernel is too old for; the newest first. */
	readonly typesLeftOut: readonly BtfFeature[];
	/** Why this kernel took none of its types, and all of it was loaded without them. */
	readonly typesRefusal: BtfLoadError | undefined;
	private readonly borrowed: ReadonlySet<BpfMap>;
	private readonly sections: readonly DataSection[];
	private readonly upgrade: Upgrade;

	constructor(parts: CollectionParts) {
		this.upgrade = parts.upgrade;
		this.borrowed = parts.borrowed;
		this.sections = parts.sections;
		this.pins = parts.pins;
		this.structOps = parts.structOps;
		this.typesLeftOut = parts.typesLeftOut;
		this.typesRefusal = parts.typesRefusal;
		this.maps = parts.maps;
		this.programs = parts.programs;
		this.variables = parts.variables;
	}

	/** *Throws:* `ERR_NOT_FOUND`, with the nearest name there is. */
	program(name: string): Program {
		return find('program', this.programs, name);
	}

	/**
	 * The map of that name; what its keys and values are is for the caller to say, nobody checks it
	 * (`skep object gen` writes it down from the types). *Throws:* `ERR_NOT_FOUND`, with the nearest
	 * name there is.
	 */
	map<K = unknown, V = unknown>(name: string): BpfMap<K, V> {
		return find('map', this.maps, name) as BpfMap<K, V>;
	}

	/** The global variable of that name; see `map()`. *Throws:* `ERR_NOT_FOUND`. */
	variable<T = unknown>(name: string): Variable<T> {
		return find('variable', this.variables, name) as Variable<T>;
	}

	/** Maps whose pins still name their predecessors, until `commit()`. */
	get uncommitted(): readonly MapPin[] {
		const waiting = new Set(this.upgrade.waiting.map(({path}) => path));
		return this.pins.filter(({path}) => waiting.has(path));
	}

	/**
	 * Makes an upgrade final: maps that were loaded with the policy `migrate`, program arrays and maps
	 * whose pinning is `replace` take the pins of their predecessors. Call it once the new programs
	 * are attached in the place of the old ones; without such maps it does nothing.
	 *
	 * Loading has copied every element of the old map into the new one, which the new programs work on
	 * from the moment that they are attached. A commit waits until no program uses the old map any
	 * more and until those that were running have ended, carries over what changed since, forbids
	 * writes to the old map from user space, carries over once more, and moves the pin by one rename.
	 * What that promises:
	 *
	 * - Every key that the old map held when the last old program ended is in the new map, unless
	 *   `transform` dropped it or the new programs removed it. A least-recently-used map may evict, as
	 *   always, and the order of use begins anew.
	 * - A key that only the old programs wrote since it was copied has their last value. A key that
	 *   both wrote has the new programs' value; fields named as `counters` have what both counted
	 *   added up, exactly. A key that the old programs removed is removed, unless the new ones wrote
	 *   it. A key that the old programs added since, and that the new ones removed before it was
	 *   carried over, is there again: they could not know of it.
	 * - There is no compare-and-swap for elements: a value that the new programs write in the
	 *   microseconds in which the old programs' last value for the same, until then untouched key is
	 *   being carried over may be lost. Counters are not concerned. A key that the old programs removed
	 *   is looked at, then taken: what the new programs write to it in between may go with it.
	 * - Not waited for are programs that may sleep, once they are detached, maps reached through maps
	 *   of maps, and programs that only the slots of the old program arrays still hold. A write from user space to the old map fails from then on (`frozen` says whether
	 *   the kernel could do that); it is never lost silently.
	 * - When it throws, pins are as before and nothing is lost: it may be called again. After a crash
	 *   the pin names the old or the new map. A crash after the new programs were attached is made
	 *   good by the next load of the same object with `migrate`, which finds their map and commits it;
	 *   for keys that both sides wrote before the crash it keeps the new programs' values.
	 *
	 * *Throws:* `ERR_MIGRATION` with the programs that still use an old map, and for a value or a key
	 * that does not fit; `ERR_MAP`, `ERR_PIN`. *Kernel:* 5.0.
	 */
	async commit(options: CommitOptions = {}): Promise<MigrationReport[]> {
		return this.upgrade.commit(options);
	}

	/**
	 * Carries over what the old programs changed since the maps were copied. Called just before the
	 * new programs are attached, it shortens the time in which they miss what was written last.
	 * *Throws:* `ERR_MIGRATION`, `ERR_MAP`.
	 */
	async catchUp(): Promise<void> {
		await this.upgrade.catchUp();
	}

	/** Removes the pins that this load made, and leaves those it found. *Throws:* `ERR_PIN`. */
	unpin(): void {
		const waiting = new Set(this.uncommitted);
		for (const pin of this.pins) {
			if (pin.how !== 'opened' && !waiting.has(pin)) pin.map.unpin(pin.path);
		}
	}

	/**
	 * Closes every program, and every map but replaced ones; what is pinned or attached lives on. An
	 * upgrade that was not committed is given up: pins stay with the old maps. Where the new programs
	 * are attached all the same, it warns, and leaves their maps for the next load to find.
	 */
	close(): void {
		for (const section of this.sections) section.close();
		for (const program of Object.values(this.programs)) program.close();
		this.upgrade.abandon();
		for (const map of Object.values(this.maps)) {
			if (!this.borrowed.has(map)) map.close();
		}
	}

	/** Closes it. */
	[Symbol.dispose](): void {
		this.close();
	}
}

function find<T>(kind: string, record: Readonly<Record<string, T>>, name: string): T {
	const found = record[name];
	if (found === undefined) throw new NotFoundError(kind, name, Object.keys(record));
	return found;
}
