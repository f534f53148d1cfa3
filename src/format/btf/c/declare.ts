/** Types as C writes them: declarators, and the bodies of structs and enums. */

import {BtfError} from '../btf-error.js';
import type {Btf} from '../btf.js';
import type {BtfComposite, BtfEnum, BtfEnum64, BtfMember, BtfType, BtfTypeOf} from '../types.js';
import {baseType, isBuiltIn, text} from './base-types.js';
import {CLayout, type MemberBits, naturalStart, padding} from './layout.js';
import {cIdentifier, type CNames} from './names.js';

/** Types inside of types: deeper than any source. */
export const maxDepth = 600;

/** Says types; that what they need has been said before is for its user to see to. */
export class CDeclarations {
	/** Typedefs and enums that have been written, by id. */
	readonly written = new Set<number>();
	/** Has a struct or union been written with its members? */
	hasBodies = false;
	private readonly btf: Btf;
	private readonly layout: CLayout;
	private readonly names: CNames;
	private paddings = 0;
	private depth = 0;

	constructor(btf: Btf, names: CNames) {
		this.btf = btf;
		this.names = names;
		this.layout = new CLayout(btf);
	}

	/** The struct whose members a member without a name brings in: to C it may not have a tag. */
	embedded(id: number): BtfComposite | undefined {
		const type = this.unqualified(id);
		return type.kind === 'struct' || type.kind === 'union' ? type : undefined;
	}

	/** The declaration of `inner`, read from the inside to the outside, without semicolon. */
	declare(id: number, inner: string, indent: string): string {
		if (++this.depth > maxDepth) throw new BtfError('it is nested too deep', {typeId: id});
		const result = this.declareType(this.btf.type(id), inner, indent);
		this.depth--;
		return result;
	}

	private declareType(type: BtfType, inner: string, indent: string): string {
		switch (type.kind) {
			case 'void':
				return join('void', inner);
			case 'int':
				return join(this.intName(type), inner);
			case 'float':
				return join(baseType(type), inner);
			case 'ptr': {
				const target = this.unqualified(type.typeId).kind;
				const isOutside = target === 'array' || target === 'func_proto';
				return this.declare(type.typeId, isOutside ? `(*${inner})` : `*${inner}`, indent);
			}

			case 'array':
				return this.declare(type.elementTypeId, `${inner}[${type.length}]`, indent);
			case 'const':
			case 'volatile':
			case 'restrict':
				return this.qualify(type.kind, type.typeId, inner, indent);
			case 'type_tag': {
				const tag = tagText(type);
				return tag === ''
					? this.declare(type.typeId, inner, indent)
					: this.qualify(tag, type.typeId, inner, indent);
			}

			case 'typedef': {
				// One that is being written needs itself: behind a pointer anything will do.
				const isKnown = this.written.has(type.id);
				return join(isKnown ? this.names.typedef(type.id, type.name) : 'void', inner);
			}

			case 'func_proto': {
				const list = type.parameters.map(({typeId, name}, index) => {
					if (typeId === 0)
						return index === type.parameters.length - 1 ? '...' : 'void *';
					return this.declare(typeId, this.parameterName(name), `${indent}\t`);
				});
				return this.declare(
					type.returnTypeId,
					`${inner}(${list.length === 0 ? 'void' : list.join(', ')})`,
					indent,
				);
			}

			case 'fwd':
				return join(`${type.forwardKind} ${this.names.tag(type)}`, inner);
			case 'struct':
			case 'union':
				if (type.name === '') return join(`${type.kind} ${this.body(type, indent)}`, inner);
				return join(`${type.kind} ${this.names.tag(type)}`, inner);
			case 'enum':
			case 'enum64':
				return join(this.enumName(type, indent), inner);
			default:
				throw new BtfError(`a ${type.kind} is no type of values`, {typeId: type.id});
		}
	}

	private qualify(word: string, id: number, inner: string, indent: string): string {
		const {kind} = this.unqualified(id);
		// Of an array it is the elements that are constant, and a function is neither.
		if (kind === 'func_proto') return this.declare(id, inner, indent);
		if (kind === 'ptr') {
			const isSaid = inner.startsWith(' ') && `${inner} `.includes(` ${word} `);
			return this.declare(id, isSaid ? inner : join(` ${word}`, inner), indent);
		}

		const declared = this.declare(id, inner, indent);
		return word === 'restrict' || declared.startsWith(`${word} `)
			? declared
			: `${word} ${declared}`;
	}

	private unqualified(id: number): BtfType {
		let type = this.btf.type(id);
		for (let depth = 0; depth < maxDepth; depth++) {
			if (
				type.kind !== 'const' &&
				type.kind !== 'volatile' &&
				type.kind !== 'restrict' &&
				type.kind !== 'type_tag'
			)
				break;
			type = this.btf.type(type.typeId);
		}

		return type;
	}

	/** A parameter of a typedef's name would hide it from the parameters that follow. */
	private parameterName(name: string): string {
		if (name === '') return '';
		const safe = cIdentifier(name);
		return this.names.isTaken(safe) ? `${safe}_` : safe;
	}

	private intName(type: BtfTypeOf<'int'>): string {
		return isBuiltIn(type) ? baseType(type) : this.names.typedef(type.id, type.name);
	}

	private enumName(type: BtfEnum | BtfEnum64, indent: string): string {
		if (type.name !== '') return `enum ${this.names.tag(type)}`;
		// Its names can be given once; a second place gets the numbers.
		if (this.written.has(type.id) || type.values.length === 0) return baseType(type);
		return this.enumBody(type, indent);
	}

	enumBody(type: BtfEnum | BtfEnum64, indent: string): string {
		this.written.add(type.id);
		const tag = type.name === '' ? '' : ` ${this.names.tag(type)}`;
		const names = type.values.map(({name}) => this.names.enumerator(name));
		// An enum of no names is one that was only declared; C wants something to be in it.
		if (names.length === 0) names.push(this.names.enumerator(`__${type.name}_is_empty`));
		const lines = names.map((name, index) => {
			const value = type.values[index]?.value ?? 0;
			return `${indent}\t${name} = ${text(value)},\n`;
		});
		const mode = modes[type.size];
		const attribute = mode === undefined ? '' : ` __attribute__((mode(${mode})))`;
		return `enum${tag} {\n${lines.join('')}${indent}}${attribute}`;
	}

	private member({name, typeId}: BtfMember, {unit, bits}: MemberBits, indent: string): string {
		const embedded = name === '' ? this.embedded(typeId) : undefined;
		if (embedded !== undefined) return `${embedded.kind} ${this.body(embedded, indent)}`;
		const width = unit > 0 ? ` : ${bits}` : '';
		return this.declare(typeId, name === '' ? '' : cIdentifier(name), indent) + width;
	}

	body(type: BtfComposite, indent: string): string {
		const packed = this.layout.isPacked(type);
		const isUnion = type.kind === 'union';
		const deeper = `${indent}\t`;
		const nextName = (): string => `__padding_${++this.paddings}`;
		this.hasBodies = true;
		let lines = '{\n';
		let at = 0;
		let alignment = 1;
		for (const member of type.members) {
			const own = this.layout.alignOf(member.typeId);
			const bits = this.layout.bitsOf(member);
			alignment = Math.max(alignment, own);
			if (!isUnion && naturalStart(at, bits, own, packed) !== bits.start) {
				for (const pad of padding(at, bits.start, nextName)) lines += `${deeper}${pad};\n`;
			}

			lines += `${deeper}${this.member(member, bits, deeper)};\n`;
			at = isUnion ? Math.max(at, bits.bits) : bits.start + bits.bits;
		}

		const end = type.size * 8;
		const step = packed ? 8 : alignment * 8;
		if (Math.ceil(at / step) * step < end) {
			if (isUnion) lines += `${deeper}unsigned char ${nextName()}[${type.size}];\n`;
			else for (const pad of padding(at, end, nextName)) lines += `${deeper}${pad};\n`;
		}

		return `${lines}${indent}}${packed ? ' __attribute__((packed))' : ''}`;
	}
}

/** Modes of enums that are not of 4 bytes. */
const modes: Readonly<Record<number, string>> = {1: '__QI__', 2: '__HI__', 8: '__DI__'};

function join(type: string, inner: string): string {
	return inner === '' || inner.startsWith('[')
		? `${type}${inner}`
		: `${type} ${inner.trimStart()}`;
}

function tagText({name, attribute}: {name: string; attribute?: boolean}): string {
	if (attribute !== true) return `__btf_type_tag(${JSON.stringify(name)})`;
	return /^[a-z_]\w*(?:\(\d+\))?$/.test(name) ? `__attribute__((${name}))` : '';
}
