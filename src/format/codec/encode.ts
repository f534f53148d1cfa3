/** Writes values, strictly: what does not fit its type exactly is refused. */

import {nearest} from '../../base/suggest.js';
import {printable} from '../btf/printable.js';
import {CodecError, refuse, show} from './codec-error.js';
import {fieldWriter} from './encode-field.js';
import {overlapWriter, type Member} from './encode-overlap.js';
import {fieldOf, isInherited} from './field-value.js';
import {
	bitsWriter,
	boolWriter,
	enumWriter,
	floatWriter,
	integerWriter,
	type Writer,
} from './encode-scalar.js';
import {
	coverBits,
	extentOf,
	type ArrayLayout,
	type Layout,
	type Shape,
	type StructLayout,
} from './layout.js';

/**
 * A function that writes a value over whatever its bytes held before: what no field covers becomes
 * zero. `path` is what errors call the value.
 */
export function writerOf(layout: Layout, path: string, littleEndian: boolean): Writer {
	const {size} = layout;
	let write: Writer | undefined;
	let isCovered = false;
	return (value, view, offset) => {
		checkView(path, size, view, offset);
		// Not before: a type may claim gigabytes, and what writes it has masks as large.
		if (write === undefined) {
			write = partWriter(layout, path, littleEndian);
			isCovered = coversAll(layout, littleEndian);
		}

		if (!isCovered) new Uint8Array(view.buffer, view.byteOffset + offset, size).fill(0);
		write(value, view, offset);
	};
}

/** Refuses to write beyond a view. *Throws:* `ERR_CODEC`. */
export function checkView(path: string, size: number, view: DataView, offset: number): void {
	if (offset >= 0 && offset + size <= view.byteLength) return;
	throw new CodecError('write', path, `${size} bytes at ${offset} are outside of the view`);
}

/** True where every bit is overwritten: no padding, and nothing that is put together by parts. */
function coversAll(layout: Layout, littleEndian: boolean): boolean {
	if (hasPieces(layout)) return false;
	const mask = new Uint8Array(layout.size);
	coverBits(layout, 0, mask, littleEndian);
	return mask.every(byte => byte === 0xff);
}

function hasPieces(layout: Layout): boolean {
	switch (layout.kind) {
		case 'bits':
			return true;
		case 'field':
			return layout.codec === 'string';
		case 'array':
			return hasPieces(layout.element);
		case 'struct':
			return hasUnion(layout.shape) || layout.fields.some(field => hasPieces(field.layout));
		default:
			return false;
	}
}

function hasUnion({kind, parts}: Shape): boolean {
	return kind === 'any' || parts.some(part => typeof part !== 'number' && hasUnion(part));
}

function partWriter(layout: Layout, path: string, littleEndian: boolean): Writer {
	switch (layout.kind) {
		case 'int':
			return layout.bool
				? boolWriter(layout.size, path, littleEndian)
				: integerWriter(layout.size, layout.signed, path, littleEndian);
		case 'bits':
			return bitsWriter(layout, path, littleEndian);
		case 'float':
			return floatWriter(layout.size, path, littleEndian);
		case 'enum':
			return enumWriter(layout, path, littleEndian);
		case 'array':
			return arrayWriter(layout, path, littleEndian);
		case 'struct':
			return structWriter(layout, path, littleEndian);
		case 'field':
			return fieldWriter(layout, path);
	}
}

function arrayWriter({length, element}: ArrayLayout, path: string, little: boolean): Writer {
	const write = partWriter(element, `${path}[]`, little);
	return (value, view, offset) => {
		const isList = Array.isArray(value) || value instanceof Uint8Array;
		if (!isList || value.length !== length) return refuse(path, `an array of ${length}`, value);
		let i = 0;
		try {
			for (; i < length; i++) write(value[i], view, offset + i * element.size);
		} catch (error) {
			if (!(error instanceof CodecError)) throw error;
			// The writers of all elements are one: only here is it known which of them failed.
			throw error.at(`${path}[${i}]${error.path.slice(path.length + 2)}`);
		}
	};
}

function structWriter(layout: StructLayout, path: string, little: boolean): Writer {
	const members: Member[] = layout.fields.map(field => {
		const at = path === '' ? field.name : `${path}.${field.name}`;
		return {...field, path: at, write: partWriter(field.layout, at, little)};
	});
	const names = members.map(member => member.name);
	const known = new Set(names);
	const writeFields = hasUnion(layout.shape)
		? overlapWriter(layout, path, members, little)
		: plainWriter(layout, members, little);
	return (value, view, offset) => {
		if (!isRecord(value)) return refuse(path, expectedObject(known), value);
		let i = 0;
		for (const name of Object.keys(value)) {
			// Most objects have their fields in this order.
			if (name !== names[i++] && !known.has(name)) throw unknownField(path, name, known);
		}

		writeFields(value, view, offset);
	};
}

function isRecord(value: unknown): value is Record<string, unknown> {
	const isObject = typeof value === 'object' && value !== null;
	return isObject && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function plainWriter(layout: StructLayout, members: readonly Member[], little: boolean) {
	checkDisjoint(layout, members, little);
	const isPlain = !members.some(member => isInherited(member.name));
	return (object: Record<string, unknown>, view: DataView, offset: number): void => {
		for (const member of members) {
			const {name} = member;
			const field = isPlain ? object[name] : fieldOf(object, name);
			if (field === undefined) throw new CodecError('write', member.path, 'it is missing');
			member.write(field, view, offset + member.offset);
		}
	};
}

/** Outside of unions no C makes fields share bits; writing one would change the other. */
function checkDisjoint({size}: StructLayout, members: readonly Member[], little: boolean): void {
	const taken = new Uint8Array(size);
	for (const {layout, offset, path} of members) {
		// A union inside shares its own bits with itself: it is covered apart.
		const [first, end] = extentOf(layout, offset);
		const own = new Uint8Array(end - first);
		coverBits(layout, offset - first, own, little);
		for (const [i, bits] of own.entries()) {
			if (((taken[first + i] ?? 0) & bits) !== 0) {
				throw new CodecError(
					'write',
					path,
					`it shares byte ${first + i} with another field`,
				);
			}

			taken[first + i] = (taken[first + i] ?? 0) | bits;
		}
	}
}

function expectedObject(known: ReadonlySet<string>): string {
	const names = [...known].slice(0, 12).map(printable).join(', ');
	return `an object with ${names}${known.size > 12 ? ', …' : ''}`;
}

function unknownField(path: string, name: string, known: ReadonlySet<string>): CodecError {
	const close = nearest(name, known);
	const advice = close === undefined ? '' : `; did you mean "${printable(close)}"?`;
	return new CodecError('write', path, `there is no field ${show(name)}${advice}`);
}
