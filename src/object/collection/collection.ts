import {nearest} from '../../base/suggest.js';
import {EbpfError} from '../../base/errors.js';
import type {BtfFeature} from '../../format/btf/strip.js';
import type {BpfMap} from '../map/map.js';
import type {Program} from '../program/program.js';
import type {DataSection} from './data-section.js';
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
	/** Whether it was there before, was made, or was made in the place of another. */
	readonly how: 'opened' | 'created' | 'recreated';
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
	readonly typesLeftOut: readonly BtfFeature[];
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
	/** Of its types, what this kernel is too old for; the newest first. */
	readonly typesLeftOut: readonly BtfFeature[];
	private readonly borrowed: ReadonlySet<BpfMap>;
	private readonly sections: readonly DataSection[];

	constructor(parts: CollectionParts) {
		this.borrowed = parts.borrowed;
		this.sections = parts.sections;
		this.pins = parts.pins;
		this.typesLeftOut = parts.typesLeftOut;
		this.maps = parts.maps;
		this.programs = parts.programs;
		this.variables = parts.variables;
	}

	/** *Throws:* `ERR_NOT_FOUND`, with the nearest name there is. */
	program(name: string): Program {
		return find('program', this.programs, name);
	}

	/** *Throws:* `ERR_NOT_FOUND`, with the nearest name there is. */
	map(name: string): BpfMap {
		return find('map', this.maps, name);
	}

	/** *Throws:* `ERR_NOT_FOUND`, with the nearest name there is. */
	variable(name: string): Variable {
		return find('variable', this.variables, name);
	}

	/** Removes the pins that this load made, and leaves those it found. *Throws:* `ERR_PIN`. */
	unpin(): void {
		for (const {path, map, how} of this.pins) {
			if (how !== 'opened') map.unpin(path);
		}
	}

	/** Closes every program, and every map but replaced ones; what is pinned or attached lives on. */
	close(): void {
		for (const section of this.sections) section.close();
		for (const program of Object.values(this.programs)) program.close();
		for (const map of Object.values(this.maps)) {
			if (!this.borrowed.has(map)) map.close();
		}
	}

	[Symbol.dispose](): void {
		this.close();
	}
}

function find<T>(kind: string, record: Readonly<Record<string, T>>, name: string): T {
	const found = record[name];
	if (found === undefined) throw new NotFoundError(kind, name, Object.keys(record));
	return found;
}
