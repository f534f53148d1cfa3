/** Maps declared as variables of `.maps`: the declaration is read from their types. */

import type {Btf} from '../format/btf/btf.js';
import type {BtfDataSection, BtfMember, BtfType} from '../format/btf/types.js';
import {mapFlags} from '../uapi/flags.js';
import {mapTypeName} from '../uapi/map-types.js';
import {normaliseMap} from './map-rules.js';
import {kernelName} from './names.js';
import {SpecError} from './spec-error.js';
import type {MapSpec} from './types.js';

/** A declared map and where its variable is. */
export interface MapDefinition {
	readonly map: MapSpec;
	/** Key in `CollectionSpec.maps`: the variable's name. */
	readonly name: string;
	/** Bytes from the start of `.maps`. */
	readonly offset: number;
	readonly size: number;
	/** Bytes from the variable's start to its `values`; undefined without. */
	readonly valuesOffset: number | undefined;
}

/** *Throws:* `ERR_SPEC` for a variable that declares no map. */
export function readMapDefinitions(types: Btf, section: BtfDataSection): MapDefinition[] {
	return section.variables.map(({typeId, offset, size}) => {
		const variable = types.type(typeId);
		if (variable.kind !== 'var') throw malformed(`#${typeId}`, 'is no variable');
		const reader = new Definition(types, variable.name);
		const map = reader.read(types.resolve(variable.typeId));
		return {map, name: variable.name, offset, size, valuesOffset: reader.valuesOffset};
	});
}

function malformed(map: string, detail: string): SpecError {
	return new SpecError(`read map "${map}": ${detail}`, {map});
}

const pinnings = new Map([
	[0, 'none'],
	[1, 'by-name'],
	[16, 'replace'],
] as const);

/** What the members say, before rules of the map type. */
interface Draft {
	type?: number;
	keySize?: number;
	keyTypeId?: number;
	valueSize?: number;
	valueTypeId?: number;
	maxEntries?: number;
	flags?: number;
	extra?: bigint;
	numaNode?: number;
	pinning?: number;
	inner?: MapSpec;
}

class Definition {
	valuesOffset: number | undefined;
	readonly #types: Btf;
	readonly #name: string;
	readonly #nested: boolean;
	readonly #draft: Draft = {};

	constructor(types: Btf, name: string, nested = false) {
		this.#types = types;
		this.#name = name;
		this.#nested = nested;
	}

	read(type: BtfType): MapSpec {
		if (type.kind !== 'struct') {
			throw this.#malformed(`is declared as ${type.kind}, not as a struct`);
		}

		const seen = new Set<string>();
		for (const member of type.members) {
			if (seen.has(member.name)) throw this.#malformed(`has two members "${member.name}"`);
			seen.add(member.name);
			this.#member(member);
		}

		return this.#finish();
	}

	#member(member: BtfMember): void {
		const draft = this.#draft;
		switch (member.name) {
			case 'type':
				draft.type = this.#number(member);
				break;
			case 'max_entries':
				draft.maxEntries = this.#number(member);
				break;
			case 'map_flags':
				draft.flags = this.#number(member);
				break;
			case 'numa_node':
				draft.numaNode = this.#number(member);
				break;
			case 'pinning':
				draft.pinning = this.#number(member);
				break;
			case 'map_extra':
				draft.extra = this.#wide(member);
				break;
			case 'key_size':
				this.#setSize('key', this.#number(member));
				break;
			case 'value_size':
				this.#setSize('value', this.#number(member));
				break;
			case 'key':
				this.#setType('key', this.#pointee(member).id);
				break;
			case 'value':
				this.#setType('value', this.#pointee(member).id);
				break;
			case 'values':
				this.#values(member);
				break;
			default:
				throw this.#malformed(`member "${member.name}" is not known`);
		}
	}

	/** `__uint(NAME, number)` is a pointer to an array of that length. */
	#number(member: BtfMember): number {
		const pointer = this.#types.resolve(member.typeId);
		const array = pointer.kind === 'ptr' ? this.#types.resolve(pointer.typeId) : pointer;
		if (pointer.kind === 'ptr' && array.kind === 'array') return array.length;
		throw this.#malformed(
			`member "${member.name}" is ${array.kind}: write __uint(${member.name}, number)`,
		);
	}

	/** `__ulong(NAME, number)` is the only value of an enum. */
	#wide(member: BtfMember): bigint {
		const type = this.#types.resolve(member.typeId);
		if (type.kind !== 'enum' && type.kind !== 'enum64') return BigInt(this.#number(member));
		const [value] = type.values;
		if (value !== undefined) return BigInt.asUintN(64, BigInt(value.value));
		throw this.#malformed(`member "${member.name}" is an enum without a value`);
	}

	/** `__type(NAME, type)` is a pointer to the type. */
	#pointee(member: BtfMember): BtfType {
		const pointer = this.#types.resolve(member.typeId);
		if (pointer.kind === 'ptr') return this.#types.type(pointer.typeId);
		throw this.#malformed(
			`member "${member.name}" is ${pointer.kind}: write __type(${member.name}, type)`,
		);
	}

	#setType(what: 'key' | 'value', typeId: number): void {
		this.#setSize(what, this.#types.sizeOf(typeId));
		this.#draft[`${what}TypeId`] = typeId;
	}

	#setSize(what: 'key' | 'value', size: number): void {
		const known = this.#draft[`${what}Size`];
		if (known !== undefined && known !== size) {
			throw this.#malformed(
				`its ${what} has ${known} bytes by one member, ${size} by another`,
			);
		}

		this.#draft[`${what}Size`] = size;
	}

	/** `__array(values, type)` is an array of pointers: to inner maps, or to programs. */
	#values(member: BtfMember): void {
		const array = this.#types.resolve(member.typeId);
		const pointer = array.kind === 'array' ? this.#types.resolve(array.elementTypeId) : array;
		if (array.kind !== 'array' || pointer.kind !== 'ptr') {
			throw this.#malformed(
				`member "values" is ${pointer.kind}: write __array(values, type)`,
			);
		}

		if (this.#nested) throw this.#malformed('an inner map cannot hold maps or programs');
		if (member.bitOffset % 8 !== 0) throw this.#malformed('member "values" is a bit-field');
		this.#setSize('value', 4);
		this.valuesOffset = member.bitOffset / 8;
		const element = this.#types.resolve(pointer.typeId);
		if (element.kind === 'func_proto') {
			this.#expectType('programs', ['prog_array']);
			return;
		}

		this.#expectType('maps', ['array_of_maps', 'hash_of_maps']);
		this.#draft.inner = new Definition(this.#types, `${this.#name}.inner`, true).read(element);
	}

	#expectType(what: string, types: readonly string[]): void {
		const {type} = this.#draft;
		const name = type === undefined ? 'none' : mapTypeName(type);
		if (types.includes(name)) return;
		throw this.#malformed(
			`member "values" holds ${what}: type is ${name}, not ${types.join(' or ')}`,
		);
	}

	#finish(): MapSpec {
		const draft = this.#draft;
		if (draft.type === undefined) throw this.#malformed('has no type: write __uint(type, ...)');
		const type = mapTypeName(draft.type);
		const pinning = pinnings.get((draft.pinning ?? 0) as 0 | 1 | 16);
		if (pinning === undefined) throw this.#malformed(`pinning ${draft.pinning} is not known`);
		if (this.#nested && pinning !== 'none') throw this.#malformed('an inner map has no pin');
		if (type === 'struct_ops') {
			throw this.#malformed('maps of type struct_ops are declared in ".struct_ops"');
		}

		const map: MapSpec = {
			kind: 'map',
			name: kernelName(this.#name),
			type,
			keySize: draft.keySize ?? 0,
			valueSize: draft.valueSize ?? 0,
			maxEntries: draft.maxEntries ?? 0,
			flags:
				((draft.flags ?? 0) | (draft.numaNode === undefined ? 0 : mapFlags.numa_node)) >>>
				0,
			extra: draft.extra ?? 0n,
			pinning,
			keyTypeId: draft.keyTypeId ?? 0,
			valueTypeId: draft.valueTypeId ?? 0,
			types: this.#types,
			...(draft.numaNode === undefined ? {} : {numaNode: draft.numaNode}),
			...(draft.inner === undefined ? {} : {inner: draft.inner}),
		};
		return normaliseMap(map, detail => this.#malformed(detail));
	}

	#malformed(detail: string): SpecError {
		return malformed(this.#name, detail);
	}
}
