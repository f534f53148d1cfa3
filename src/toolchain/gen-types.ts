/** C types as TypeScript, as codecs read their values. */

import type {Btf} from '../format/btf/btf.js';
import {describeType} from '../format/btf/describe.js';
import type {BtfComposite, BtfEnum, BtfEnum64, BtfMember, BtfType} from '../format/btf/types.js';

/** Names that the generated module needs for itself, or that the language gives a meaning. */
const reserved = [
	'Array BpfMap Collection Disposable Loaded LoadOptions Maps Omit Partial Program Programs',
	'Promise Readonly Record String Number Boolean BigInt Object Function Symbol Uint8Array URL',
	'Values Variable Variables Error Date Map Set',
].flatMap(line => line.split(' '));

/** A property's name as it stands in a type. */
export function propertyName(name: string): string {
	return /^[A-Za-z_$][\w$]*$/.test(name) && name !== '__proto__' ? name : JSON.stringify(name);
}

/** C in a comment, where nothing may end the comment. */
export function comment(text: string): string {
	return text.replaceAll('*/', '*\\/').replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ');
}

type Named = BtfComposite | BtfEnum | BtfEnum64;

/** Writes the types that others refer to once, in the order in which they are first met. */
export class TypeWriter {
	private readonly btf: Btf;
	private readonly names = new Map<number, string>();
	private readonly taken = new Set(reserved);
	private readonly texts: string[] = [];

	constructor(btf: Btf) {
		this.btf = btf;
	}

	/** Declarations of all types that have been referred to. */
	get declarations(): string {
		return this.texts.join('\n');
	}

	/** The TypeScript type of a value of the type numbered `id`, which a codec can read. */
	reference(id: number, indent = ''): string {
		const {type, alias} = this.named(id);
		switch (type.kind) {
			case 'int':
				if (type.bool) return 'boolean';
				return numberType(type.bits);
			case 'ptr':
				return 'bigint';
			case 'float':
				return type.size === 4 || type.size === 8 ? 'number' : 'Uint8Array';
			case 'array': {
				const element = this.reference(type.elementTypeId, indent);
				return element.includes('|') ? `(${element})[]` : `${element}[]`;
			}

			case 'enum':
			case 'enum64':
			case 'struct':
			case 'union':
				return this.name(type, type.name === '' ? alias : type.name, indent);
			default:
				return 'unknown';
		}
	}

	/** Through qualifiers and typedefs, with the last typedef's name. */
	private named(id: number): {type: BtfType; alias: string} {
		let alias = '';
		let type = this.btf.type(id);
		const end = this.btf.resolve(id);
		while (type.id !== end.id && 'typeId' in type) {
			if (type.kind === 'typedef') alias = type.name;
			type = this.btf.type(type.typeId);
		}

		return {type: end, alias};
	}

	private name(type: Named, name: string, indent: string): string {
		const known = this.names.get(type.id);
		if (known !== undefined) return known;
		if (name === '') {
			return 'members' in type ? this.fields(type, indent) : namesOf(type);
		}

		const chosen = this.freeName(name);
		this.names.set(type.id, chosen);
		// Its own place first, and then those it needs.
		const index = this.texts.push('') - 1;
		const head = `/** \`${comment(describeType(this.btf, type.id))}\`, ${type.size} bytes. */\n`;
		this.texts[index] =
			'members' in type
				? `${head}export interface ${chosen} ${this.fields(type, '')}\n`
				: head + enumText(chosen, type);
		return chosen;
	}

	/** `flow_key` as `FlowKey`, or `FlowKey2` where that is something else. */
	private freeName(name: string): string {
		const words = name.split(/[^A-Za-z0-9]+/).filter(word => word !== '');
		const pascal = words.map(word => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
		const base = /^[A-Z]/.test(pascal) ? pascal : `T${pascal}`;
		let chosen = base;
		for (let count = 2; this.taken.has(chosen); count++) chosen = `${base}${count}`;
		this.taken.add(chosen);
		return chosen;
	}

	private fields(type: BtfComposite, indent: string): string {
		const lines: string[] = [];
		const deeper = `${indent}\t`;
		const visit = ({members}: BtfComposite, start: number): void => {
			for (const member of members) {
				const inner = this.btf.resolve(member.typeId);
				const isComposite = inner.kind === 'struct' || inner.kind === 'union';
				if (member.name !== '') lines.push(...this.field(member, inner, start, deeper));
				else if (isComposite) visit(inner, start + member.bitOffset);
			}
		};
		visit(type, 0);
		return lines.length === 0 ? 'Record<never, never>' : `{\n${lines.join('\n')}\n${indent}}`;
	}

	private field(member: BtfMember, type: BtfType, start: number, indent: string): string[] {
		const {name, typeId, bitfieldSize} = member;
		const place = start + member.bitOffset;
		const at = `${Math.floor(place / 8)}${place % 8 === 0 ? '' : `.${place % 8}`}`;
		const width = bitfieldSize > 0 ? ` : ${bitfieldSize}` : '';
		const declared = comment(describeType(this.btf, typeId, name) + width);
		let text = this.reference(typeId, indent);
		if (bitfieldSize > 0 && type.kind === 'int' && !type.bool) text = numberType(bitfieldSize);
		return [
			`${indent}/** \`${declared}\` at ${at}. */`,
			`${indent}${propertyName(name)}: ${text};`,
		];
	}
}

function numberType(bits: number): string {
	return bits > 32 ? 'bigint' : 'number';
}

/** The names as a constant, and as a type together with the numbers that have none. */
function enumText(name: string, type: BtfEnum | BtfEnum64): string {
	const isWide = type.size > 4;
	const values = type.values.map(({name: each, value}) => {
		return `\t${propertyName(each)}: ${value}${isWide ? 'n' : ''},\n`;
	});
	const constant = `export const ${name} = {\n${values.join('')}} as const;\n`;
	return `${constant}export type ${name} = keyof typeof ${name} | ${isWide ? 'bigint' : 'number'};\n`;
}

/** An enum that nobody can name: its names stand where it is used. */
function namesOf(type: BtfEnum | BtfEnum64): string {
	const names = type.values.map(({name}) => JSON.stringify(name));
	return [...names, type.size > 4 ? 'bigint' : 'number'].join(' | ');
}
