/** What a relocation puts into its instruction, for either side's types. */

import type {Btf} from '../../format/btf/btf.js';
import {describeType} from '../../format/btf/describe.js';
import type {BtfType} from '../../format/btf/types.js';
import type {Enumerator, FieldPath} from './access.js';
import type {RelocationKind} from './kinds.js';
import {elementOf, sizeOf} from './types.js';

/** What was found for a relocation: a type, and in it a field or an enumerator. */
export interface Place {
	readonly types: Btf;
	readonly typeId: number;
	readonly path?: FieldPath;
	readonly enumerator?: Enumerator;
}

export interface Value {
	readonly value: bigint;
	/** The compiler is sure to have put its own value into the instruction. */
	readonly isCertain: boolean;
	/** What a load or store at this offset moves; not for bit-fields. */
	readonly moved?: {readonly size: number; readonly type: BtfType};
}

/** The value of `place`, or why there is none. *Throws:* `ERR_BTF`. */
export function valueOf(kind: RelocationKind, place: Place): Value | string {
	const {types, typeId, path, enumerator} = place;
	switch (kind) {
		case 'type_id_local':
		case 'type_id_target':
			return {value: BigInt(typeId), isCertain: false};
		case 'type_size': {
			const size = sizeOf(types, typeId);
			return size === undefined
				? `${describeType(types, typeId)} has no size`
				: {value: BigInt(size), isCertain: true};
		}

		case 'enumval_value':
			return {value: enumerator?.value ?? 0n, isCertain: true};
		case 'type_exists':
		case 'type_matches':
		case 'enumval_exists':
		case 'field_exists':
			return {value: 1n, isCertain: true};
		default:
			return path === undefined ? 'it is no field' : fieldValue(kind, types, path);
	}
}

const insideByte = 'it starts inside of a byte';

function fieldValue(kind: RelocationKind, types: Btf, path: FieldPath): Value | string {
	if (!path.isMember) {
		const size = sizeOf(types, path.typeId);
		if (size === undefined) return `${describeType(types, path.typeId)} has no size`;
		const moved = {size, type: types.resolve(path.typeId)};
		if (path.bitOffset % 8 !== 0) return insideByte;
		const offset = BigInt(path.bitOffset / 8);
		if (kind === 'field_byte_offset') return {value: offset, isCertain: true, moved};
		if (kind === 'field_byte_size') return {value: BigInt(size), isCertain: true};
		return 'only members have signs and shifts';
	}

	const unit = storageUnit(types, path);
	if (typeof unit === 'string') return unit;
	const {bits, offset, size} = unit;
	const isBitfield = path.bitfieldSize > 0;
	switch (kind) {
		case 'field_byte_offset': {
			const value = BigInt(offset);
			if (isBitfield) return {value, isCertain: false};
			const type = elementOf(types, path.typeId);
			const moved = {size: sizeOf(types, type.id) ?? size, type};
			return {value, isCertain: true, moved};
		}

		case 'field_byte_size':
			return {value: BigInt(size), isCertain: !isBitfield};
		case 'field_signed': {
			const type = types.resolve(path.typeId);
			const isSigned = 'signed' in type && type.signed;
			return {value: isSigned ? 1n : 0n, isCertain: true};
		}

		case 'field_lshift_u64': {
			// The field's bits come to the top of 64: above them in the unit are what follows it,
			// or on machines of the other byte order what precedes it.
			const before = path.bitOffset - offset * 8;
			const shift = types.littleEndian ? 64 - before - bits : 64 - size * 8 + before;
			return {value: BigInt(shift), isCertain: !isBitfield};
		}

		case 'field_rshift_u64':
			return {value: BigInt(64 - bits), isCertain: true};
		default:
			return 'it is no field';
	}
}

interface Unit {
	/** Width of the field. */
	readonly bits: number;
	/** Bytes from the start of the type to the unit. */
	readonly offset: number;
	readonly size: number;
}

/** The bytes to load for a field: for a bit-field the smallest aligned ones that have all of it. */
function storageUnit(types: Btf, path: FieldPath): Unit | string {
	let size = sizeOf(types, path.typeId);
	if (size === undefined) return `${describeType(types, path.typeId)} has no size`;
	const {bitOffset, bitfieldSize} = path;
	if (bitfieldSize === 0) {
		if (bitOffset % 8 !== 0) return insideByte;
		return {bits: size * 8, offset: bitOffset / 8, size};
	}

	const type = types.resolve(path.typeId);
	if (!['int', 'enum', 'enum64'].includes(type.kind) || size === 0) {
		return `a ${type.kind} cannot be a bit-field`;
	}

	const start = (bytes: number): number => Math.floor(bitOffset / 8 / bytes) * bytes;
	while (bitOffset + bitfieldSize > (start(size) + size) * 8) {
		if (size >= 8) return 'no load of at most 8 bytes has all of the bit-field';
		size *= 2;
	}

	return {bits: bitfieldSize, offset: start(size), size};
}
