/** The order in which C wants types. */

import {BtfError} from '../btf-error.js';
import {allIds, type Btf} from '../btf.js';
import type {BtfComposite, BtfEnum, BtfEnum64, BtfType, BtfTypeOf} from '../types.js';
import {baseType, isBuiltIn} from './base-types.js';
import {CDeclarations, maxDepth} from './declare.js';
import {CNames, tagWord} from './names.js';

const [begun, done] = [1, 2];

/** Writes each type after those it needs. */
export class CWriter {
	private readonly btf: Btf;
	private readonly declarations: CDeclarations;
	private readonly names = new CNames();
	/** What has been begun or is done, by id: typedefs, enums, whole structs. */
	private readonly state: Uint8Array;
	/** Structs that have been declared, by tag. */
	private readonly declared = new Set<string>();
	private out = '';
	private depth = 0;

	constructor(btf: Btf) {
		this.btf = btf;
		this.declarations = new CDeclarations(btf, this.names);
		this.state = new Uint8Array(btf.typeCount);
	}

	/** Has a struct or union been written with its members? */
	get hasBodies(): boolean {
		return this.declarations.hasBodies;
	}

	get length(): number {
		return this.out.length;
	}

	take(): string {
		const text = this.out;
		this.out = '';
		return text;
	}

	/** A type that stands for itself: what has no name and is no enum is left to who uses it. */
	add(id: number): void {
		switch (this.btf.kindOf(id)) {
			case 'struct':
			case 'union':
			case 'enum':
			case 'enum64':
				if (this.btf.type(id).name !== '') this.need(id, true);
				break;
			case 'typedef':
			case 'fwd':
				this.need(id, false);
				break;
			default:
		}
	}

	/** Enums without a name that no other type has taken in. */
	addAnonymousEnums(): void {
		const {written} = this.declarations;
		for (const id of allIds(this.btf)) {
			const kind = this.btf.kindOf(id);
			if (kind !== 'enum' && kind !== 'enum64') continue;
			const type = this.btf.type(id) as BtfEnum | BtfEnum64;
			if (type.name !== '' || written.has(id) || type.values.length === 0) continue;
			const text = `${this.declarations.enumBody(type, '')};\n`;
			const isBool = type.values.some(({name}) => name === 'true' || name === 'false');
			this.out += `${isBool ? beforeC23(text) : text}\n`;
		}
	}

	addKfuncs(): void {
		const {btf} = this;
		const seen = new Set<number>();
		for (const id of allIds(btf)) {
			if (btf.kindOf(id) !== 'decl_tag') continue;
			const tag = btf.type(id);
			if (tag.kind !== 'decl_tag' || tag.name !== 'bpf_kfunc' || seen.has(tag.typeId))
				continue;
			const func = btf.type(tag.typeId);
			if (func.kind !== 'func') continue;
			seen.add(func.id);
			this.need(func.typeId, false);
			const name = this.names.typedef(func.id, func.name);
			const section = '__attribute__((weak, section(".ksyms")))';
			this.out += `extern ${this.declarations.declare(func.typeId, name, '')} ${section};\n`;
		}

		this.out += '\n';
	}

	/** Writes what has to stand before a use of the type; all of it, or only its name. */
	private need(id: number, whole: boolean): void {
		if (++this.depth > maxDepth)
			throw new BtfError('types need one another without end', {typeId: id});
		this.needType(this.btf.type(id), whole);
		this.depth--;
	}

	private needType(type: BtfType, whole: boolean): void {
		switch (type.kind) {
			case 'ptr':
				this.need(type.typeId, false);
				break;
			case 'const':
			case 'volatile':
			case 'restrict':
			case 'type_tag':
				this.need(type.typeId, whole);
				break;
			case 'array':
				this.need(type.elementTypeId, true);
				break;
			case 'func_proto':
				this.need(type.returnTypeId, false);
				for (const {typeId} of type.parameters) this.need(typeId, false);
				break;
			case 'typedef':
				this.needTypedef(type);
				if (whole) this.need(type.typeId, true);
				break;
			case 'struct':
			case 'union':
				if (type.name === '') this.needMembers(type);
				else if (whole) this.needComposite(type);
				else this.declareTag(type);
				break;
			case 'fwd':
				this.declareTag(type);
				break;
			case 'enum':
			case 'enum64':
				if (type.name === '' || this.declarations.written.has(type.id)) break;
				this.out += `${this.declarations.enumBody(type, '')};\n\n`;
				break;
			case 'int': {
				if (isBuiltIn(type) || this.state[type.id] === done) break;
				this.state[type.id] = done;
				const name = this.names.typedef(type.id, type.name);
				this.out += `typedef ${baseType(type)} ${name};\n\n`;
				break;
			}

			default:
		}
	}

	private needTypedef(type: BtfTypeOf<'typedef'>): void {
		if (this.state[type.id] !== 0) return;
		this.state[type.id] = begun;
		this.need(type.typeId, false);
		const name = this.names.typedef(type.id, type.name);
		const line = `typedef ${this.declarations.declare(type.typeId, name, '')};\n`;
		this.out += `${name === 'bool' ? beforeC23(line) : line}\n`;
		this.declarations.written.add(type.id);
	}

	private needMembers(type: BtfComposite): void {
		for (const {name, typeId} of type.members) {
			const embedded = name === '' ? this.declarations.embedded(typeId) : undefined;
			if (embedded === undefined) this.need(typeId, true);
			else this.needEmbedded(embedded);
		}
	}

	private needEmbedded(type: BtfComposite): void {
		if (++this.depth > maxDepth) {
			throw new BtfError('it is nested too deep', {typeId: type.id});
		}

		this.needMembers(type);
		this.depth--;
	}

	private needComposite(type: BtfComposite): void {
		if (this.state[type.id] === done) return;
		if (this.state[type.id] === begun) {
			throw new BtfError('it contains itself', {typeId: type.id});
		}

		this.state[type.id] = begun;
		// Its members may point back to it, from prototypes as well.
		const tag = this.names.tag(type);
		if (type.members.length > 0) this.declareTag(type);
		this.needMembers(type);
		this.out += `${type.kind} ${tag} ${this.declarations.body(type, '')};\n\n`;
		this.state[type.id] = done;
	}

	private declareTag(type: BtfComposite | BtfTypeOf<'fwd'>): void {
		const tag = this.names.tag(type);
		if (this.declared.has(tag)) return;
		this.declared.add(tag);
		this.out += `${tagWord(type)} ${tag};\n\n`;
	}
}

/** What C has words of its own for since 2023. */
function beforeC23(text: string): string {
	return `#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L\n${text}#endif\n`;
}
