/** Codecs put together from closures: slower than generated code, and allowed everywhere. */

import {CodecError} from './codec-error.js';
import type {Layout, StructLayout} from './layout.js';
import {
	bitsJson,
	bitsValue,
	enumJson,
	enumReader,
	readBits,
	readField,
	readWide,
} from './runtime.js';

export type Reader<T = unknown> = (view: DataView, offset: number) => T;

/** A function that reads a value of that layout. */
export function closureReader(layout: Layout, littleEndian: boolean): Reader {
	switch (layout.kind) {
		case 'int': {
			const read = integerReader(layout.size, layout.signed, littleEndian);
			return layout.bool ? (view, offset) => Boolean(read(view, offset)) : read;
		}

		case 'bits': {
			const {bit, bits, signed} = layout;
			const value = bitsValue(layout);
			return (view, offset) => value(readBits(view, offset, bit, bits, signed, littleEndian));
		}

		case 'float':
			return layout.size === 4
				? (view, offset) => view.getFloat32(offset, littleEndian)
				: (view, offset) => view.getFloat64(offset, littleEndian);
		case 'enum': {
			const read = integerReader(layout.size, layout.signed, littleEndian);
			const name = enumReader(layout);
			return (view, offset) => name(read(view, offset));
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

function integerReader(size: number, signed: boolean, little: boolean): Reader<number | bigint> {
	switch (size) {
		case 1:
			return signed ? (v, o) => v.getInt8(o) : (v, o) => v.getUint8(o);
		case 2:
			return signed ? (v, o) => v.getInt16(o, little) : (v, o) => v.getUint16(o, little);
		case 4:
			return signed ? (v, o) => v.getInt32(o, little) : (v, o) => v.getUint32(o, little);
		case 8:
			return signed
				? (v, o) => v.getBigInt64(o, little)
				: (v, o) => v.getBigUint64(o, little);
		default:
			return (v, o) => readWide(v, o, signed, little);
	}
}

/** A function that gives the JSON text of a value of that layout. */
export function closureJson(layout: Layout, littleEndian: boolean): Reader<string> {
	switch (layout.kind) {
		case 'enum': {
			const read = integerReader(layout.size, layout.signed, littleEndian);
			const text = enumJson(layout);
			return (view, offset) => text(read(view, offset));
		}

		case 'bits': {
			const {bit, bits, signed} = layout;
			const text = bitsJson(layout);
			return (view, offset) => text(readBits(view, offset, bit, bits, signed, littleEndian));
		}

		case 'array': {
			const {length, element} = layout;
			const text = closureJson(element, littleEndian);
			return (view, offset) => {
				let list = '[';
				for (let i = 0; i < length; i++) {
					list += (i === 0 ? '' : ',') + text(view, offset + i * element.size);
				}

				return `${list}]`;
			};
		}

		case 'struct': {
			const parts = layout.fields.map(({name, offset, layout: inner}, i) => ({
				label: `${i === 0 ? '' : ','}${JSON.stringify(name)}:`,
				offset,
				text: closureJson(inner, littleEndian),
			}));
			return (view, base) => {
				let object = '{';
				for (const {label, offset, text} of parts)
					object += label + text(view, base + offset);
				return `${object}}`;
			};
		}

		case 'field': {
			const {size} = layout;
			const codec = layout.codec === 'bytes' ? 'hex' : layout.codec;
			return (view, offset) => scalarJson(readField(view, offset, size, codec));
		}

		default: {
			const read = closureReader(layout, littleEndian);
			return (view, offset) => scalarJson(read(view, offset));
		}
	}
}

/** JSON has no bigints, which are written as digits, and no infinities, which become null. */
function scalarJson(value: unknown): string {
	return typeof value === 'bigint' ? `${value}` : JSON.stringify(value);
}

export interface Flyweight {
	readonly value: object;
	readonly fixed: true;
	move(view: DataView, offset: number): void;
}

/** An object with a getter for each field, which reads where the object was last placed. */
export function closureFlyweight({fields}: StructLayout, littleEndian: boolean): Flyweight {
	let view: DataView | undefined;
	let base = 0;
	const current = (): DataView => {
		if (view === undefined) throw new CodecError('read', '', 'the cursor stands nowhere yet');
		return view;
	};

	// Getters of a prototype are not listed among the keys, as in the generated classes.
	const prototype: object = Object.create(Object.prototype) as object;
	for (const {name, offset, layout} of fields) {
		const get = fieldGetter(offset, layout);
		Object.defineProperty(prototype, name, {get, configurable: true});
	}

	return {
		value: Object.create(prototype) as object,
		fixed: true,
		move(to, offset) {
			view = to;
			base = offset;
		},
	};

	function fieldGetter(offset: number, layout: Layout): () => unknown {
		if (layout.kind !== 'struct') {
			const read = closureReader(layout, littleEndian);
			return () => read(current(), base + offset);
		}

		const inner = closureFlyweight(layout, littleEndian);
		return () => {
			inner.move(current(), base + offset);
			return inner.value;
		};
	}
}
