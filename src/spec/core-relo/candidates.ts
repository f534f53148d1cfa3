/** Which types of the target may be meant by one of the object's. */

import {EbpfError} from '../../base/errors.js';
import type {Btf} from '../../format/btf/btf.js';
import {essentialName} from './flavour.js';
import {isSameKind} from './types.js';

/** Where the types are that a program will meet. */
export interface TargetTypes {
	/** What messages call them: `vmlinux`, a file's name. */
	readonly name: string;
	/** Asked for once a relocation needs it. */
	readonly types: () => Btf;
	/** Asked for once a type is not among `types`, which those of a module continue. */
	readonly modules?: () => Iterable<{readonly name: string; readonly types: Btf}>;
}

export interface Candidate {
	readonly types: Btf;
	readonly typeId: number;
	/** Whose types those are. */
	readonly of: string;
}

/** Looks for candidates, each name once, however many relocations ask for it. */
export class Candidates {
	readonly #target: TargetTypes;
	/** By name; of any kind. */
	readonly #found = new Map<string, readonly Candidate[]>();
	/** By the object's types; the same list each time. */
	readonly #answers = new WeakMap<Btf, Map<number, readonly Candidate[]>>();
	#modules: readonly {readonly name: string; readonly types: Btf}[] | undefined;

	constructor(target: TargetTypes) {
		this.#target = target;
	}

	get name(): string {
		return this.#target.name;
	}

	/** Looks for several names at once, which takes no longer than for one. */
	prepare(names: readonly string[]): void {
		const wanted = [...new Set(names)].filter(name => !this.#found.has(name));
		if (wanted.length === 0) return;
		const {name: of, types} = this.#target;
		for (const [name, found] of this.#search(types(), of, wanted)) this.#found.set(name, found);
	}

	/** Candidates for a type of the object; of modules only where the kernel has none. */
	of(local: Btf, typeId: number): readonly Candidate[] {
		let byType = this.#answers.get(local);
		if (byType === undefined)
			this.#answers.set(local, (byType = new Map<number, readonly Candidate[]>()));
		let found = byType.get(typeId);
		if (found === undefined) byType.set(typeId, (found = this.#lookFor(local, typeId)));
		return found;
	}

	#lookFor(local: Btf, typeId: number): readonly Candidate[] {
		const {name, kind} = local.type(typeId);
		const essential = essentialName(name);
		this.prepare([essential]);
		const ofKind = ({types, typeId}: Candidate): boolean =>
			isSameKind(types.type(typeId).kind, kind);
		const own = (this.#found.get(essential) ?? []).filter(ofKind);
		if (own.length > 0) return own;
		const found: Candidate[] = [];
		for (const module of this.#moduleList()) {
			const search = this.#search(module.types, module.name, [essential]);
			for (const each of search.get(essential) ?? []) if (ofKind(each)) found.push(each);
		}

		return found;
	}

	#search(types: Btf, of: string, names: readonly string[]): Map<string, Candidate[]> {
		const found = new Map<string, Candidate[]>();
		for (const [name, ids] of types.findFlavours(names)) {
			const named = ids.filter(id => essentialName(types.type(id).name) === name);
			found.set(
				name,
				named.map(typeId => ({types, typeId, of})),
			);
		}

		return found;
	}

	/** Modules come and go, and none of them is sure to be needed: what cannot be read is not there. */
	#moduleList(): readonly {readonly name: string; readonly types: Btf}[] {
		if (this.#modules !== undefined) return this.#modules;
		const modules = [];
		try {
			for (const module of this.#target.modules?.() ?? []) modules.push(module);
		} catch (error) {
			if (!(error instanceof EbpfError)) throw error;
		}

		this.#modules = modules;
		return modules;
	}
}
