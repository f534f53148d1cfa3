import {nearest} from '../../base/suggest.js';
import {EbpfError} from '../../base/errors.js';
import type {BpfMap} from '../map/map.js';
import type {Program} from '../program/program.js';
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

/** What a collection is made of. */
export interface CollectionParts {
	readonly maps: Readonly<Record<string, BpfMap>>;
	readonly programs: Readonly<Record<string, Program>>;
	readonly variables: Readonly<Record<string, Variable>>;
	/** Those of `maps` that belong to someone else and stay open. */
	readonly borrowed: ReadonlySet<BpfMap>;
}

/** The maps and programs of one object, loaded together; `close()` closes all of them. */
export class Collection implements Disposable {
	/** By name in the object; `.rodata` and other data sections are maps as well. */
	readonly maps: Readonly<Record<string, BpfMap>>;
	readonly programs: Readonly<Record<string, Program>>;
	/** Global variables, read from the kernel each time. */
	readonly variables: Readonly<Record<string, Variable>>;

	private readonly borrowed: ReadonlySet<BpfMap>;

	constructor(parts: CollectionParts) {
		this.borrowed = parts.borrowed;
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

	/** Closes every program, and every map but replaced ones; what is pinned or attached lives on. */
	close(): void {
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
