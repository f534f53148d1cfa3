/**
 * JSON text written as bytes. Strings cost several times as much: V8 calls out of line for the
 * digits of each number that it has not just seen, and flattens what was put together.
 */

/** Writes the JSON text of one value, UTF-8, into a buffer with room for it. */
export interface JsonWriter {
	/** Bytes that one value may take at most. */
	readonly limit: number;
	/** Where it ended. `words` is a view of all of `bytes`, which has `limit` bytes from `at`. */
	write(view: DataView, offset: number, bytes: Buffer, words: DataView, at: number): number;
}

/** Bytes beyond the text's end that `write` may touch. */
export const jsonSlack = 4;

/** Two digits for each number below 100, the first in the low byte. */
const pairs = new Uint16Array(100);
for (let i = 0; i < 100; i++) pairs[i] = (48 + Math.floor(i / 10)) | ((48 + (i % 10)) << 8);

/** Bits of a number as unsigned: a word that is passed signed needs no allocation. */
export function writeU32(bytes: Buffer, at: number, bits: number): number {
	let rest = bits >>> 0;
	if (rest < 10) {
		bytes[at] = 48 + rest;
		return at + 1;
	}

	const end = at + countDigits(rest);
	let position = end;
	while (rest >= 100) {
		const next = (rest / 100) >>> 0;
		const pair = pairs[rest - next * 100] ?? 0;
		bytes[--position] = pair >> 8;
		bytes[--position] = pair;
		rest = next;
	}

	if (rest < 10) {
		bytes[--position] = 48 + rest;
	} else {
		const pair = pairs[rest] ?? 0;
		bytes[--position] = pair >> 8;
		bytes[--position] = pair;
	}

	return end;
}

function countDigits(number: number): number {
	if (number < 100_000) {
		if (number < 1000) return number < 100 ? 2 : 3;
		return number < 10_000 ? 4 : 5;
	}

	if (number < 10_000_000) return number < 1_000_000 ? 6 : 7;
	if (number < 100_000_000) return 8;
	return number < 1_000_000_000 ? 9 : 10;
}

export function writeI32(bytes: Buffer, at: number, number: number): number {
	if (number >= 0) return writeU32(bytes, at, number);
	bytes[at] = 45;
	return writeU32(bytes, at + 1, -number | 0);
}

const billion = 1_000_000_000;

/** 64 bits in two words. */
export function writeU64(bytes: Buffer, at: number, high: number, low: number): number {
	if (high === 0) return writeU32(bytes, at, low);
	const upper = high >>> 0;
	if (upper < 0x20_00_00) {
		// A double holds it.
		const number = upper * 0x1_00_00_00_00 + (low >>> 0);
		const billions = Math.floor(number / billion);
		const end = writeU32(bytes, at, billions);
		return writeNine(bytes, end, (number - billions * billion) | 0);
	}

	return writeText(bytes, at, `${(BigInt(upper) << 32n) | BigInt(low >>> 0)}`);
}

/** Nine digits, with zeros in front. */
function writeNine(bytes: Buffer, at: number, number: number): number {
	let rest = number;
	let position = at + 9;
	while (position > at + 1) {
		const next = (rest / 100) >>> 0;
		const pair = pairs[rest - next * 100] ?? 0;
		bytes[--position] = pair >> 8;
		bytes[--position] = pair;
		rest = next;
	}

	bytes[at] = 48 + rest;
	return at + 9;
}

export function writeI64(bytes: Buffer, at: number, high: number, low: number): number {
	if (high >= 0) return writeU64(bytes, at, high, low);
	bytes[at] = 45;
	return writeU64(bytes, at + 1, (~high + (low === 0 ? 1 : 0)) | 0, -low | 0);
}

/** Any text. */
export function writeText(bytes: Buffer, at: number, text: string): number {
	for (let i = 0; i < text.length; i++) {
		const unit = text.charCodeAt(i);
		if (unit > 127) return at + bytes.write(text, at, 'utf8');
		bytes[at + i] = unit;
	}

	return at + text.length;
}

const hexDigits = Buffer.from('0123456789abcdef');

/** `size` bytes of a view in hexadecimal, in quotes. */
export function writeHex(
	bytes: Buffer,
	at: number,
	view: DataView,
	offset: number,
	size: number,
): number {
	let position = at;
	bytes[position++] = 34;
	for (let i = 0; i < size; i++) {
		const byte = view.getUint8(offset + i);
		bytes[position++] = hexDigits[byte >> 4] ?? 0;
		bytes[position++] = hexDigits[byte & 15] ?? 0;
	}

	bytes[position++] = 34;
	return position;
}

/** A writer for values that are written alone, as a function that gives their text. */
export function textOf(writer: JsonWriter): (view: DataView, offset: number) => string {
	let bytes: Buffer | undefined;
	let words: DataView | undefined;
	return (view, offset) => {
		bytes ??= Buffer.alloc(writer.limit + jsonSlack);
		words ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
		return bytes.toString('utf8', 0, writer.write(view, offset, bytes, words, 0));
	};
}
