/** Attributes: what follows a netlink message's fixed part, as type and value. */

import {alignUp, cString, hostLittleEndian, viewOf} from '../../base/bytes.js';
import {attributeTypeMask, nested} from '../../uapi/rtnetlink.js';

const headerSize = 4;
const alignment = 4;
const longest = 0xff_ff - headerSize;

/** One attribute with its header and padding. `value` is at most 65531 bytes. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
	if (value.length > longest) throw new RangeError(`attribute ${type} is too long`);
	const bytes = new Uint8Array(alignUp(headerSize + value.length, alignment));
	const view = viewOf(bytes);
	view.setUint16(0, headerSize + value.length, hostLittleEndian);
	view.setUint16(2, type, hostLittleEndian);
	bytes.set(value, headerSize);
	return bytes;
}

/** An attribute that is a number of 32 bits; descriptors may be negative. */
export function numberAttribute(type: number, value: number): Uint8Array {
	const bytes = new Uint8Array(4);
	viewOf(bytes).setUint32(0, value, hostLittleEndian);
	return attribute(type, bytes);
}

/** An attribute that is a single byte. */
export function byteAttribute(type: number, value: number): Uint8Array {
	return attribute(type, Uint8Array.of(value));
}

/** An attribute that is a text with its NUL. */
export function textAttribute(type: number, text: string): Uint8Array {
	return attribute(type, Buffer.from(`${text}\0`));
}

/** An attribute that holds attributes. */
export function nestedAttribute(type: number, parts: readonly Uint8Array[]): Uint8Array {
	return attribute(type | nested, Buffer.concat(parts));
}

/** The attributes of a block by type; of a type that comes twice, the last. */
export class Attributes {
	private readonly values = new Map<number, Uint8Array>();

	/** What is cut off, or says a length that cannot be, ends the list. */
	constructor(bytes: Uint8Array) {
		const view = viewOf(bytes);
		for (let at = 0; at + headerSize <= bytes.length;) {
			const length = view.getUint16(at, hostLittleEndian);
			if (length < headerSize || at + length > bytes.length) return;
			const type = view.getUint16(at + 2, hostLittleEndian) & attributeTypeMask;
			this.values.set(type, bytes.subarray(at + headerSize, at + length));
			at += alignUp(length, alignment);
		}
	}

	bytes(type: number): Uint8Array | undefined {
		return this.values.get(type);
	}

	u8(type: number): number | undefined {
		return this.values.get(type)?.[0];
	}

	u32(type: number): number | undefined {
		const value = this.values.get(type);
		if (value === undefined || value.length < 4) return undefined;
		return viewOf(value).getUint32(0, hostLittleEndian);
	}

	u64(type: number, index = 0): bigint | undefined {
		const value = this.values.get(type);
		if (value === undefined || value.length < (index + 1) * 8) return undefined;
		return viewOf(value).getBigUint64(index * 8, hostLittleEndian);
	}

	text(type: number): string | undefined {
		const value = this.values.get(type);
		return value === undefined ? undefined : cString(value);
	}

	nested(type: number): Attributes {
		return new Attributes(this.values.get(type) ?? new Uint8Array(0));
	}
}
