/** Decoders put together from closures: slower than generated code, and allowed everywhere. */

import type {Layout, StructLayout} from './layout.js';
import {enumReader, readBits, readField, readWide} from './runtime.js';

export type Reader = (view: DataView, offset: number) => unknown;

/** A function that reads a value of that layout. */
export function closureReader(layout: Layout, littleEndian: boolean): Reader {
	switch (layout.kind) {
		case 'int':
			return integerReader(layout.size, layout.signed, layout.bool, littleEndian);
		case 'bits': {
			const {bit, bits, signed} = layout;
			return (view, offset) => readBits(view, offset, bit, bits, signed, littleEndian);
		}

		case 'float':
			return layout.size === 4
				? (view, offset) => view.getFloat32(offset, littleEndian)
				: (view, offset) => view.getFloat64(offset, littleEndian);
		case 'enum': {
			const read = integerReader(layout.size, layout.signed, false, littleEndian);
			const name = enumReader(layout);
			return (view, offset) => name(read(view, offset) as number);
		}

		case 'array': {
			const {length, element} = layout;
			const read = closureReader(element, littleEndian);
			return (view, offset) => {
				const values: unknown[] = [];
				for (let i = 0; i < length; i++) values.push(read(view, offset + i * element.size));
				return values;
			};
		}

		case 'struct':
			return structReader(layout, littleEndian);
		case 'field':
			return (view, offset) => readField(view, offset, layout.size, layout.codec);
	}
}

function structReader({fields}: StructLayout, littleEndian: boolean): Reader {
	const readers = fields.map(({name, offset, layout}) => ({
		name,
		offset,
		read: closureReader(layout, littleEndian),
	}));
	return (view, base) => {
		const value: Record<string, unknown> = {};
		for (const {name, offset, read} of readers) setOwn(value, name, read(view, base + offset));
		return value;
	};
}

/** Like an object literal's computed key: `__proto__` becomes a property as any other. */
function setOwn(object: Record<string, unknown>, name: string, value: unknown): void {
	if (name === '__proto__') {
		const own = {value, writable: true, enumerable: true, configurable: true};
		Object.defineProperty(object, name, own);
	} else {
		object[name] = value;
	}
}

function integerReader(
	size: number,
	signed: boolean,
	bool: boolean,
	littleEndian: boolean,
): Reader {
	if (bool) {
		const read = integerReader(size, false, false, littleEndian);
		return (view, offset) => Boolean(read(view, offset));
	}

	switch (size) {
		case 1:
			return signed ? (v, o) => v.getInt8(o) : (v, o) => v.getUint8(o);
		case 2:
			return signed
				? (v, o) => v.getInt16(o, littleEndian)
				: (v, o) => v.getUint16(o, littleEndian);
		case 4:
			return signed
				? (v, o) => v.getInt32(o, littleEndian)
				: (v, o) => v.getUint32(o, littleEndian);
		case 8:
			return signed
				? (v, o) => v.getBigInt64(o, littleEndian)
				: (v, o) => v.getBigUint64(o, littleEndian);
		default:
			return (v, o) => readWide(v, o, signed, littleEndian);
	}
}
