import {hostLittleEndian} from '../../base/bytes.js';
import {BtfError} from './btf-error.js';
import type {BtfHeader} from './header.js';
import {kindExtra} from './kinds.js';

/** Words of a record of each kind, and of each of its parts; `beyond` for what is no kind. */
const beyond = 1 << 30;
const fixedWords = Int32Array.from({length: 32}, (_, kind) => {
	const extra = kindExtra[kind];
	return kind === 0 || extra === undefined ? beyond : 3 + extra[0] / 4;
});
const partWords = Int32Array.from({length: 32}, (_, kind) => (kindExtra[kind]?.[1] ?? 0) / 4);

const reservedBits = 0x60_ff_00_00;

/** The types as words in this machine's byte order: the bytes themselves where they are that. */
export function typeWords(bytes: Uint8Array, header: BtfHeader): Uint32Array {
	const {typeStart, typeSize, littleEndian} = header;
	const start = bytes.byteOffset + typeStart;
	const length = typeSize >>> 2;
	if (littleEndian === hostLittleEndian && start % 4 === 0) {
		return new Uint32Array(bytes.buffer, start, length);
	}

	const copy = Uint8Array.from(bytes.subarray(typeStart, typeStart + length * 4));
	if (littleEndian !== hostLittleEndian) Buffer.from(copy.buffer).swap32();
	return new Uint32Array(copy.buffer, 0, length);
}

/** The word at which each record starts; each is whole and of a known kind. */
export function indexTypes(words: Uint32Array, header: BtfHeader, firstId: number): Uint32Array {
	// Pages that nothing is written to take no memory.
	const all = new Uint32Array(words.length / 3 + 1);
	const {count, end, flags} = findStarts(words, all);
	const starts = all.subarray(0, count);
	const isWhole = end === words.length && header.typeSize % 4 === 0;
	if (!isWhole || (flags & reservedBits) !== 0) throw whatIsWrong(words, starts, header, firstId);
	return starts;
}

/**
 * Fills in where records start, up to the first that is no good. Kept apart, small and without
 * calls: it goes through all types of a kernel before V8 has compiled it.
 */
function findStarts(
	words: Uint32Array,
	starts: Uint32Array,
): {count: number; end: number; flags: number} {
	const last = words.length - 3;
	let count = 0;
	let flags = 0;
	let at = 0;
	while (at <= last) {
		starts[count++] = at;
		const info = words[at + 1] ?? 0;
		const kind = (info >>> 24) & 0x1f;
		flags |= info;
		at += (fixedWords[kind] ?? beyond) + (info & 0xffff) * (partWords[kind] ?? 0);
	}

	return {count, end: at, flags};
}

function whatIsWrong(
	words: Uint32Array,
	starts: Uint32Array,
	header: BtfHeader,
	firstId: number,
): BtfError {
	const fail = (index: number, detail: string): BtfError => {
		const offset = header.typeStart + (starts[index] ?? words.length) * 4;
		return new BtfError(detail, {typeId: firstId + index, offset});
	};

	let end = 0;
	for (const [index, at] of starts.entries()) {
		const info = words[at + 1] ?? 0;
		const kind = (info >>> 24) & 0x1f;
		if (fixedWords[kind] === beyond) return fail(index, `kind ${kind} is not known`);
		if ((info & reservedBits) !== 0) return fail(index, 'its flags are not known');
		end = at + (fixedWords[kind] ?? beyond) + (info & 0xffff) * (partWords[kind] ?? 0);
	}

	const cut = end > words.length ? starts.length - 1 : starts.length;
	return fail(cut, 'it reaches beyond the end of the types');
}
