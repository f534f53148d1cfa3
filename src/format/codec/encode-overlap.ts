/** Writes structs in which fields lie upon each other: unions, and structs with anonymous ones. */

import {isDeepStrictEqual} from 'node:util';
import {viewOf} from '../../base/bytes.js';
import {closureReader, type Reader} from './closures.js';
import {CodecError} from './codec-error.js';
import type {Writer} from './encode-scalar.js';
import {fieldOf} from './field-value.js';
import {
	coverBits,
	extentOf,
	type Layout,
	type LayoutField,
	type Shape,
	type StructLayout,
} from './layout.js';

export interface Member extends LayoutField {
	readonly path: string;
	readonly write: Writer;
}

interface Overlap extends Member {
	/** Bytes of the struct in which the field has bits, and which bits. */
	readonly first: number;
	readonly mask: Uint8Array;
	readonly read: Reader;
	readonly exact: boolean;
}

type WriteFields = (object: Record<string, unknown>, view: DataView, offset: number) => void;

/**
 * Of each union at least one member has to be given whole. Several may be, as they come from
 * reading, when they say the same: each of them has to be read back as it was given.
 */
export function overlapWriter(
	layout: StructLayout,
	path: string,
	members: readonly Member[],
	littleEndian: boolean,
): WriteFields {
	const {size, shape} = layout;
	const overlaps = members
		.map(member => toOverlap(member, littleEndian))
		// Where a bool or a float has bytes that say the same in other words, others decide.
		.sort((a, b) => Number(b.exact) - Number(a.exact));
	return (object, view, offset) => {
		const lacking = missing(shape, members, object);
		if (lacking !== undefined)
			throw new CodecError('write', lacking.path || path, lacking.detail);
		const target = new Uint8Array(view.buffer, view.byteOffset + offset, size);
		const written = new Uint8Array(size);
		const owner = new Array<Overlap | undefined>(size);
		const doubtful: (readonly [Overlap, Overlap, Uint8Array])[] = [];
		for (const field of overlaps) {
			const value = fieldOf(object, field.name);
			if (value === undefined) continue;
			const scratch = new Uint8Array(size);
			field.write(value, viewOf(scratch), field.offset);
			const other = merge(field, scratch, target, written, owner);
			if (other !== undefined) doubtful.push([field, other, scratch]);
		}

		for (const [field, other, scratch] of doubtful) {
			const given = field.read(viewOf(scratch), field.offset);
			if (isDeepStrictEqual(given, field.read(viewOf(target), field.offset))) continue;
			const detail = `"${other.name}" has the same bytes and says otherwise`;
			throw new CodecError('write', field.path, detail);
		}
	};
}

/** Adds the field's bits where nobody has written yet. Gives a field that wrote others before. */
function merge(
	field: Overlap,
	scratch: Uint8Array,
	target: Uint8Array,
	written: Uint8Array,
	owner: (Overlap | undefined)[],
): Overlap | undefined {
	let other: Overlap | undefined;
	for (const [index, mask] of field.mask.entries()) {
		const byte = field.first + index;
		const before = written[byte] ?? 0;
		const [old, now] = [target[byte] ?? 0, scratch[byte] ?? 0];
		if (((old ^ now) & mask & before) !== 0) other ??= owner[byte];
		target[byte] = old | (now & mask & ~before);
		written[byte] = before | mask;
		owner[byte] ??= field;
	}

	return other;
}

function toOverlap(member: Member, littleEndian: boolean): Overlap {
	const {layout, offset} = member;
	const [first, end] = extentOf(layout, offset);
	const mask = new Uint8Array(end - first);
	coverBits(layout, offset - first, mask, littleEndian);
	const read = closureReader(layout, littleEndian);
	return {...member, first, mask, read, exact: isExact(layout)};
}

/** True where every pattern of bytes is read as another value. */
function isExact(layout: Layout): boolean {
	switch (layout.kind) {
		case 'int':
		case 'bits':
			return !layout.bool;
		case 'float':
			return false;
		case 'enum':
			return true;
		case 'array':
			return isExact(layout.element);
		case 'struct':
			return layout.fields.every(field => isExact(field.layout));
		case 'field':
			return layout.codec !== 'string';
	}
}

interface Lack {
	/** Empty for the struct itself. */
	readonly path: string;
	readonly detail: string;
}

/** What has to be given and is not. */
function missing(
	shape: number | Shape,
	members: readonly Member[],
	object: Record<string, unknown>,
): Lack | undefined {
	if (typeof shape === 'number') {
		const member = members[shape];
		if (member === undefined || fieldOf(object, member.name) !== undefined) return undefined;
		return {path: member.path, detail: 'it is missing'};
	}

	const {kind, parts} = shape;
	const lacks = parts.map(part => missing(part, members, object));
	const lack = lacks.find(each => each !== undefined);
	if (kind === 'all' || lack === undefined || lacks.includes(undefined)) {
		return kind === 'all' ? lack : undefined;
	}

	// What was begun is what was meant.
	const begun = parts.findIndex(part =>
		namesOf(part, members).some(name => fieldOf(object, name) !== undefined),
	);
	if (begun >= 0) return lacks[begun];
	const names = parts.flatMap(part => namesOf(part, members)).map(name => `"${name}"`);
	return {path: '', detail: `one of ${names.slice(0, 20).join(', ')} is missing`};
}

function namesOf(shape: number | Shape, members: readonly Member[]): string[] {
	if (typeof shape === 'number') return [members[shape]?.name ?? ''];
	return shape.parts.flatMap(part => namesOf(part, members));
}
