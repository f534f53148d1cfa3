/** Fits a program's instructions to the types of the kernel that it will run on. */

import {viewOf} from '../../base/bytes.js';
import type {Btf} from '../../format/btf/btf.js';
import type {CoreRelocation} from '../../format/btf/ext.js';
import {
	type FailedRelocation,
	poisonCall,
	type RelocationCandidate,
} from '../../format/log/failed-relocation.js';
import type {ProgramSpec} from '../types.js';
import {type Access, readAccess} from './access.js';
import {type Candidate, type Candidates} from './candidates.js';
import {CoreRelocationError, describeSubject} from './core-error.js';
import {essentialName} from './flavour.js';
import {type Code, patchInstruction, poisonInstruction, refuseInstruction} from './patch.js';
import {type Answer, describeCandidate, resolveAccess} from './resolve.js';
import {type Value, valueOf} from './value.js';

export type RelocatableProgram = Pick<
	ProgramSpec,
	'name' | 'instructions' | 'coreRelocations' | 'references' | 'externs' | 'types' | 'byteOrder'
>;

export interface Relocated {
	/** As many as before. */
	readonly instructions: Uint8Array;
	/** Relocations that nothing answers; the instruction of the nth calls `poisonCall + n`. */
	readonly failures: readonly FailedRelocation[];
}

type Outcome =
	| {
			readonly kind: 'values';
			readonly local: Value;
			readonly target: Value;
			readonly matching: readonly Candidate[];
	  }
	| {readonly kind: 'none'; readonly refused: readonly RelocationCandidate[]};

/** What a relocation asks for, and the value that the compiler knew. */
interface Question {
	readonly access: Access;
	readonly local: Value;
}

/** By the object's types, and by relocation: compilers and programs ask the same many times. */
const questions = new WeakMap<Btf, Map<string, Question>>();
/** By the candidates that were asked. */
const answers = new WeakMap<readonly Candidate[], Map<Question, Answer>>();

/**
 * The instructions with all CO-RE relocations applied.
 *
 * What nothing in the target answers is no error: its instruction becomes one that the verifier
 * refuses where it is reached. *Throws:* `ERR_CORE_RELOCATION` for relocations that are damaged or
 * have several answers; `ERR_BTF`; what the target's types throw when they are first asked for.
 */
export function relocateProgram(program: RelocatableProgram, candidates: Candidates): Relocated {
	const {types, coreRelocations} = program;
	if (coreRelocations.length === 0 || types === undefined) {
		return {instructions: program.instructions, failures: []};
	}

	prepareCandidates([program], candidates);
	return new Relocator(program, types, candidates).run();
}

/**
 * Looks for the types that these programs ask for all at once, which takes no longer than for one.
 * *Throws:* what the target's types throw when they are first asked for.
 */
export function prepareCandidates(
	programs: readonly Pick<ProgramSpec, 'coreRelocations' | 'types'>[],
	candidates: Candidates,
): void {
	const names = new Set<string>();
	for (const {types, coreRelocations} of programs) {
		const ids = new Set<number>();
		for (const {typeId, kind} of coreRelocations) if (kind !== typeIdLocal) ids.add(typeId);
		for (const id of ids) names.add(essentialName(types?.type(id).name ?? ''));
	}

	names.delete('');
	candidates.prepare([...names]);
}

class Relocator {
	readonly #program: RelocatableProgram;
	readonly #types: Btf;
	readonly #candidates: Candidates;
	readonly #instructions: Uint8Array;
	readonly #code: Code;
	readonly #failures: FailedRelocation[] = [];
	/** Slots of relocations that are of what is known only when the program is loaded, too. */
	readonly #taken = new Set<number>();
	/** Those left of a type's candidates by the relocations before. */
	readonly #matching = new Map<number, readonly Candidate[]>();

	constructor(program: RelocatableProgram, types: Btf, candidates: Candidates) {
		this.#program = program;
		this.#types = types;
		this.#candidates = candidates;
		this.#instructions = program.instructions.slice();
		const {references, externs, coreRelocations} = program;
		const relocated = new Set(coreRelocations.map(({slot}) => slot));
		for (const {slot} of references) if (relocated.has(slot)) this.#taken.add(slot);
		for (const {slot} of externs) if (relocated.has(slot)) this.#taken.add(slot);
		const littleEndian = program.byteOrder === 'little';
		this.#code = {view: viewOf(this.#instructions), littleEndian};
	}

	run(): Relocated {
		for (const relocation of this.#program.coreRelocations) this.#apply(relocation);
		return {instructions: this.#instructions, failures: this.#failures};
	}

	#apply(relocation: CoreRelocation): void {
		const {slot} = relocation;
		const refused = this.#taken.has(slot)
			? 'it is for something else to fill in'
			: refuseInstruction(this.#code, slot);
		if (refused !== undefined) throw this.#error(slot, refused);
		const {access, outcome} = this.#outcomeOf(relocation);
		if (outcome.kind === 'none') {
			this.#poison(slot, access, outcome.refused);
			return;
		}

		const patched = patchInstruction(this.#code, slot, outcome);
		if (patched.kind === 'impossible') {
			const reason = patched.why;
			const refused = outcome.matching.map(each => ({...describeCandidate(each), reason}));
			this.#poison(slot, access, refused);
		}

		if (patched.kind === 'damaged') throw this.#error(slot, patched.why, access);
	}

	#outcomeOf(relocation: CoreRelocation): {access: Access; outcome: Outcome} {
		const {slot, typeId} = relocation;
		const types = this.#types;
		const question = this.#question(relocation);
		const {access, local} = question;
		if (access.kind === 'type_id_local') {
			return {access, outcome: {kind: 'values', local, target: local, matching: []}};
		}

		if (types.type(typeId).name === '') {
			throw this.#error(slot, 'a type without a name cannot be looked for', access);
		}

		const candidates = this.#matching.get(typeId) ?? this.#candidates.of(types, typeId);
		const answer = remember(answers, candidates, question, () =>
			resolveAccess(types, access, candidates),
		);
		switch (answer.kind) {
			case 'none':
				this.#matching.set(typeId, candidates);
				return {access, outcome: {kind: 'none', refused: answer.refused}};
			case 'ambiguous':
				throw this.#error(
					slot,
					`ambiguous: ${list(answer.answers)}`,
					access,
					answer.answers,
				);
			case 'value': {
				const {matching, value} = answer;
				this.#matching.set(typeId, matching.length > 0 ? matching : candidates);
				return {access, outcome: {kind: 'values', local, target: value, matching}};
			}
		}
	}

	#question(relocation: CoreRelocation): Question {
		const {slot, typeId, accessOffset, kind} = relocation;
		const types = this.#types;
		return remember(questions, types, `${typeId}:${accessOffset}:${kind}`, () => {
			const access = readAccess(types, relocation);
			if (typeof access === 'string') throw this.#error(slot, access);
			const local = valueOf(access.kind, {types, ...access});
			if (typeof local === 'string') throw this.#error(slot, local, access);
			return {access, local};
		});
	}

	#poison(slot: number, {subject}: Access, candidates: readonly RelocationCandidate[]): void {
		poisonInstruction(this.#code, slot, poisonCall + this.#failures.length);
		const why =
			candidates.length === 0
				? `${this.#candidates.name} has no ${essentialName(subject.type)}`
				: list(candidates);
		const reason = `CO-RE relocation ${describeSubject(subject)} failed: ${why}`;
		this.#failures.push({...subject, slot, reason, candidates});
	}

	#error(
		slot: number,
		detail: string,
		access?: Access,
		candidates?: readonly RelocationCandidate[],
	): CoreRelocationError {
		return new CoreRelocationError(this.#program.name, slot, detail, {
			...(access === undefined ? {} : {subject: access.subject}),
			...(candidates === undefined ? {} : {candidates}),
		});
	}
}

/** What `make` gives, made once for `of` and `key`. */
function remember<K extends object, L, V>(
	known: WeakMap<K, Map<L, V>>,
	of: K,
	key: L,
	make: () => V,
): V {
	let byKey = known.get(of);
	if (byKey === undefined) known.set(of, (byKey = new Map<L, V>()));
	let value = byKey.get(key);
	if (value === undefined) byKey.set(key, (value = make()));
	return value;
}

const typeIdLocal = 6;
const shownCandidates = 3;

/** `struct a (type 5 of vmlinux): why; struct a (type 9 of vmlinux): why`. */
function list(candidates: readonly RelocationCandidate[]): string {
	const shown = candidates
		.slice(0, shownCandidates)
		.map(({type, typeId, of, reason}) => `${type} (type ${typeId} of ${of}): ${reason}`);
	const more = candidates.length - shown.length;
	return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}
