/** Reads protobuf's wire format as far as it makes sense, from bytes that anyone may have written. */

export type Field =
	| {readonly number: number; readonly value: bigint}
	| {readonly number: number; readonly bytes: Uint8Array};

/** The fields of a message, up to the first that is none; a zero byte is none. */
export function* readFields(bytes: Uint8Array): Generator<Field> {
	const reader = new Reader(bytes);
	for (;;) {
		const field = reader.field();
		if (field === undefined) return;
		yield field;
	}
}

const wireTypes = {varint: 0, fixed64: 1, bytes: 2, fixed32: 5} as const;
const longestVarint = 10;

class Reader {
	readonly #bytes: Uint8Array;
	#at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	field(): Field | undefined {
		const tag = this.#varint();
		if (tag === undefined || tag > 0xff_ff_ff_ffn) return undefined;
		const number = Number(tag >> 3n);
		if (number === 0) return undefined;
		switch (Number(tag & 7n)) {
			case wireTypes.varint: {
				const value = this.#varint();
				return value === undefined ? undefined : {number, value};
			}

			case wireTypes.fixed64:
				return this.#fixed(number, 8);
			case wireTypes.fixed32:
				return this.#fixed(number, 4);
			case wireTypes.bytes: {
				const length = this.#varint();
				if (length === undefined) return undefined;
				const bytes = this.#take(length);
				return bytes && {number, bytes};
			}

			default:
				return undefined;
		}
	}

	#varint(): bigint | undefined {
		let value = 0n;
		for (let i = 0; i < longestVarint; i++) {
			const byte = this.#bytes[this.#at++];
			if (byte === undefined) return undefined;
			value |= BigInt(byte & 0x7f) << BigInt(7 * i);
			if (byte < 0x80) return BigInt.asUintN(64, value);
		}

		return undefined;
	}

	#fixed(number: number, size: 4 | 8): Field | undefined {
		const bytes = this.#take(BigInt(size));
		return bytes && {number, value: littleEndian(bytes)};
	}

	#take(length: bigint): Uint8Array | undefined {
		if (length > BigInt(this.#bytes.length - this.#at)) return undefined;
		const start = this.#at;
		this.#at += Number(length);
		return this.#bytes.subarray(start, this.#at);
	}
}

/** A number of at most 8 bytes. */
export function littleEndian(bytes: Uint8Array): bigint {
	return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
