/** How layers are described: the options of their makers, and checked writing of their fields. */

import {parseIpv4, parseIpv6, parseMac} from '../../base/address.js';
import {UsageError} from '../../base/errors.js';
import {viewOf} from '../../base/bytes.js';

/** Fields that do not say what the rest of the packet says, with the values that would be right. */
export type Wrong<Field extends string> = Readonly<Partial<Record<Field, number>>>;

/** What a layer's maker takes: its fields, each of which has a default or is worked out. */
export type OptionsOf<L> = {
	readonly [Field in keyof Omit<L, 'layer' | 'wrong'>]?: L[Field] | undefined;
};

/** A layer whose fields may be missing still. */
export type DraftOf<Name extends string, Options> = Options & {readonly layer: Name};

/** Puts a layer's name to its options. *Throws:* `ERR_USAGE` for an option that it does not have. */
export function draft<Name extends string, Options extends object>(
	layer: Name,
	known: readonly string[],
	options: Options,
): DraftOf<Name, Options> {
	for (const key of Object.keys(options)) {
		if (!known.includes(key) && key !== 'layer' && key !== 'wrong') {
			throw new UsageError(`build ${layer}: unknown field "${key}"`);
		}
	}

	return {...options, layer};
}

/** Addresses that are remembered, of each kind: packets of one experiment share a few. */
const mostRemembered = 256;

/** Reading an address takes longer than the rest of its header. */
function remembering(parse: (text: string) => Uint8Array): (text: string) => Uint8Array {
	const known = new Map<string, Uint8Array>();
	return text => {
		const before = known.get(text);
		if (before) return before;
		const bytes = parse(text);
		if (known.size >= mostRemembered) known.clear();
		known.set(text, bytes);
		return bytes;
	};
}

const readMac = remembering(parseMac);
const readIpv4 = remembering(parseIpv4);
const readIpv6 = remembering(parseIpv6);

/** Writes fields one after the other, in network order; refuses what does not fit. */
export class Writer {
	readonly bytes: Uint8Array;
	readonly view: DataView;
	offset = 0;
	/** The layer that is being written, for errors. */
	layer = '';

	constructor(size: number) {
		this.bytes = new Uint8Array(size);
		this.view = viewOf(this.bytes);
	}

	u8(field: string, value: number): void {
		this.check(field, value, 0xff);
		this.bytes[this.offset++] = value;
	}

	u16(field: string, value: number): void {
		this.check(field, value, 0xffff);
		this.view.setUint16(this.offset, value);
		this.offset += 2;
	}

	u24(field: string, value: number): void {
		this.check(field, value, 0xffffff);
		this.view.setUint8(this.offset, value >>> 16);
		this.view.setUint16(this.offset + 1, value & 0xffff);
		this.offset += 3;
	}

	u32(field: string, value: number): void {
		this.check(field, value, 0xffffffff);
		this.view.setUint32(this.offset, value);
		this.offset += 4;
	}

	/** A value to be put beside others: at most `width` bits, moved left by `shift`. */
	bits(field: string, value: number, width: number, shift: number): number {
		this.check(field, value, 2 ** width - 1);
		return (value << shift) >>> 0;
	}

	raw(bytes: Uint8Array): void {
		this.bytes.set(bytes, this.offset);
		this.offset += bytes.length;
	}

	mac(field: string, text: string): void {
		this.#address(field, text, readMac);
	}

	ipv4(field: string, text: string): void {
		this.#address(field, text, readIpv4);
	}

	ipv6(field: string, text: string): void {
		// An IPv4 address would stand for its mapped form, which is hardly what was meant.
		if (!text.includes(':')) this.refuse(field, JSON.stringify(text), 'an ipv6 address');
		this.#address(field, text, readIpv6);
	}

	/** *Throws:* `ERR_USAGE`. */
	refuse(field: string, value: string, wanted: string): never {
		throw new UsageError(`build ${this.layer}: ${field} is ${value}, not ${wanted}`);
	}

	private check(field: string, value: number, most: number): void {
		if (value >= 0 && value <= most && Number.isInteger(value)) return;
		this.refuse(field, String(value), `a whole number from 0 to ${most}`);
	}

	#address(field: string, text: string, parse: (text: string) => Uint8Array): void {
		try {
			this.raw(parse(text));
		} catch (cause) {
			const detail = cause instanceof Error ? cause.message : String(cause);
			throw new UsageError(`build ${this.layer}: ${field}: ${detail}`, {cause});
		}
	}
}

/** Notes on a layer that is being made that a field is wrong, and what would be right. */
export function setWrong(layer: object, field: string, right: number): void {
	const target = layer as {wrong?: Record<string, number>};
	target.wrong = {...target.wrong, [field]: right};
}
