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
export const jsonSlack = 8;

/** Four digits for each number below 10,000, the first in the low byte; 0 until they are needed. */
const digits = new Int32Array(10_000);

/** The digits of a number below 10,000, with zeros in front. */
function four(number: number): number {
	return digits[number] || makeFour(number);
}

function makeFour(number: number): number {
	const text = String(number).padStart(4, '0');
	let word = 0;
	for (let i = 3; i >= 0; i--) word = (word << 8) | text.charCodeAt(i);
	digits[number] = word;
	return word;
}

/** Bits of a number as unsigned: a word that is passed signed needs no allocation. */
export function writeU32(words: DataView, at: number, bits: number): number {
	const number = bits >>> 0;
	if (number < 10_000) return writeFirst(words, at, number);
	const upper = (number / 10_000) >>> 0;
	const last = four(number - upper * 10_000);
	if (upper < 10_000) {
		const end = writeFirst(words, at, upper);
		words.setInt32(end, last, true);
		return end + 4;
	}

	const top = (upper / 10_000) >>> 0;
	const end = writeFirst(words, at, top);
	words.setInt32(end, four(upper - top * 10_000), true);
	words.setInt32(end + 4, last, true);
	return end + 8;
}

/** A number below 10,000, without zeros in front; what lies behind it is overwritten next. */
function writeFirst(words: DataView, at: number, number: number): number {
	const word = four(number);
	// The lowest bit that is not that of a zero, at most that of the last digit. Numbers of changing
	// lengths make branches cost more than this.
	const bits = (word ^ 0x30_30_30_30) | (1 << 24);
	const zeros = (31 - Math.clz32(bits & -bits)) & 24;
	words.setInt32(at, word >>> zeros, true);
	return at + 4 - (zeros >>> 3);
}

export function writeI32(words: DataView, at: number, number: number): number {
	if (number >= 0) return writeU32(words, at, number);
	words.setUint8(at, 45);
	return writeU32(words, at + 1, -number | 0);
}

const hundredMillion = 100_000_000;

/** 64 bits in two words. */
export function writeU64(words: DataView, at: number, high: number, low: number): number {
	if (high === 0) return writeU32(words, at, low);
	const upper = high >>> 0;
	if (upper < 0x20_00_00) {
		// A double holds it.
		const number = upper * 0x1_00_00_00_00 + (low >>> 0);
		const front = Math.floor(number / hundredMillion);
		return writeEight(words, writeU32(words, at, front), number - front * hundredMillion);
	}

	// Long division by parts of 16 bits, each of which leaves what a double holds.
	const first = Math.floor(upper / hundredMillion);
	let rest = (upper - first * hundredMillion) * 0x1_00_00 + (low >>> 16);
	const second = Math.floor(rest / hundredMillion);
	rest = (rest - second * hundredMillion) * 0x1_00_00 + (low & 0xff_ff);
	const third = Math.floor(rest / hundredMillion);
	rest -= third * hundredMillion;
	const front = first * 0x1_00_00_00_00 + second * 0x1_00_00 + third;
	const top = Math.floor(front / hundredMillion);
	const middle = front - top * hundredMillion;
	// Numbers from 2 ** 53 on have 16 digits at least.
	if (top === 0) return writeEight(words, writeU32(words, at, middle), rest);
	return writeEight(words, writeEight(words, writeU32(words, at, top), middle), rest);
}

/** Eight digits, with zeros in front. */
function writeEight(words: DataView, at: number, number: number): number {
	const upper = (number / 10_000) >>> 0;
	words.setInt32(at, four(upper), true);
	words.setInt32(at + 4, four(number - upper * 10_000), true);
	return at + 8;
}

export function writeI64(words: DataView, at: number, high: number, low: number): number {
	if (high >= 0) return writeU64(words, at, high, low);
	words.setUint8(at, 45);
	return writeU64(words, at + 1, (~high + (low === 0 ? 1 : 0)) | 0, -low | 0);
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

/** The 4 bytes of an IPv4 address, in quotes. */
export function writeIpv4(words: DataView, at: number, view: DataView, offset: number): number {
	words.setUint8(at, 34);
	let position = at + 1;
	for (let i = 0; i < 4; i++) {
		position = writeFirst(words, position, view.getUint8(offset + i));
		words.setUint8(position++, i === 3 ? 34 : 46);
	}

	return position;
}

/** The 6 bytes of a MAC address, in quotes. */
export function writeMac(words: DataView, at: number, view: DataView, offset: number): number {
	words.setUint8(at, 34);
	for (let i = 0; i < 6; i++) {
		words.setUint16(at + 1 + i * 3, hexPair(view.getUint8(offset + i)), true);
		words.setUint8(at + 3 + i * 3, i === 5 ? 34 : 58);
	}

	return at + 19;
}

const hexDigits = Buffer.from('0123456789abcdef');

/** The two digits of a byte, the first in the low byte. */
function hexPair(byte: number): number {
	return (hexDigits[byte >> 4] ?? 0) | ((hexDigits[byte & 15] ?? 0) << 8);
}

/** `size` bytes of a view in hexadecimal, in quotes. */
export function writeHex(
	words: DataView,
	at: number,
	view: DataView,
	offset: number,
	size: number,
): number {
	words.setUint8(at, 34);
	let position = at + 1;
	for (let i = 0; i < size; i++, position += 2) {
		words.setUint16(position, hexPair(view.getUint8(offset + i)), true);
	}

	words.setUint8(position, 34);
	return position + 1;
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
