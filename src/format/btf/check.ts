/** Checks of type records. Where they lie is known to be inside the types. */

import {BtfError} from './btf-error.js';
import {kindNames} from './kinds.js';

/** Type records as words in this machine's byte order. */
export interface Records {
	readonly words: Uint32Array;
	/** Id of the first record. */
	readonly firstId: number;
	/** Word at which each record starts. */
	readonly starts: Uint32Array;
	readonly typeCount: number;
	/** String offsets are below this. */
	readonly stringEnd: number;
	/** Byte of the BTF at which the words begin. */
	readonly typeStart: number;
}

/** Checks numbers, references and string offsets of one type. *Throws:* `ERR_BTF`. */
export function checkRecord(records: Records, id: number): void {
	const {words, typeCount, stringEnd} = records;
	const at = records.starts[id - records.firstId] ?? 0;
	const info = words[at + 1] ?? 0;
	const count = info & 0xffff;
	const last = words[at + 2] ?? 0;
	const fail = (detail: string, word: number): never => {
		throw new BtfError(detail, {typeId: id, offset: records.typeStart + word * 4});
	};

	const string = (word: number): void => {
		const offset = words[word] ?? 0;
		if (offset >= stringEnd) fail(`there is no string at ${offset}`, word);
	};

	const reference = (word: number): void => {
		const target = words[word] ?? 0;
		if (target >= typeCount) fail(`it refers to type ${target} of ${typeCount}`, word);
	};

	const size = (allowed: readonly number[]): void => {
		if (!allowed.includes(last)) fail(`a size of ${last} bytes is not possible`, at + 2);
	};

	const linkage = (value: number, word: number): void => {
		if (value > 2) fail(`linkage ${value} is not known`, word);
	};

	string(at);
	switch (kindNames[(info >>> 24) & 0x1f]) {
		case 'int': {
			const word = words[at + 3] ?? 0;
			const [bits, bitOffset] = [word & 0xff, (word >>> 16) & 0xff];
			if (bits > 128 || bits + bitOffset > last * 8 || last > 16) {
				fail(`${bits} bits at ${bitOffset} do not fit ${last} bytes`, at + 3);
			}

			break;
		}

		case 'float':
			size([2, 4, 8, 12, 16]);
			break;
		case 'func':
			linkage(count, at + 1);
			reference(at + 2);
			break;
		case 'var':
			linkage(words[at + 3] ?? 0, at + 3);
			reference(at + 2);
			break;
		case 'ptr':
		case 'typedef':
		case 'volatile':
		case 'const':
		case 'restrict':
		case 'type_tag':
		case 'decl_tag':
			reference(at + 2);
			break;
		case 'array':
			reference(at + 3);
			reference(at + 4);
			break;
		case 'struct':
		case 'union':
			for (let word = at + 3; word < at + 3 + count * 3; word += 3) {
				string(word);
				reference(word + 1);
				const place = words[word + 2] ?? 0;
				const isSplit = info >>> 31 === 1;
				const end = isSplit ? (place & 0xff_ff_ff) + (place >>> 24) : place;
				if (end > last * 8) fail(`a member ends at bit ${end} of ${last} bytes`, word + 2);
			}

			break;
		case 'enum':
			// One that is declared and nowhere defined has neither size nor names.
			size(count === 0 ? [0, 1, 2, 4, 8] : [1, 2, 4, 8]);
			for (let word = at + 3; word < at + 3 + count * 2; word += 2) string(word);
			break;
		case 'enum64':
			size([1, 2, 4, 8]);
			for (let word = at + 3; word < at + 3 + count * 3; word += 3) string(word);
			break;
		case 'func_proto':
			reference(at + 2);
			for (let word = at + 3; word < at + 3 + count * 2; word += 2) {
				string(word);
				reference(word + 1);
			}

			break;
		case 'datasec':
			for (let word = at + 3; word < at + 3 + count * 3; word += 3) {
				reference(word);
				const end = (words[word + 1] ?? 0) + (words[word + 2] ?? 0);
				// Compilers leave sizes of sections to the linker: 0 says nothing.
				if (last > 0 && end > last) fail(`a variable ends at ${end} of ${last}`, word + 1);
			}

			break;
		default:
	}
}

const [unseen, open, done] = [0, 1, 2];

/** Refuses a type that would have to hold a value of itself. *Throws:* `ERR_BTF`. */
export function checkNesting(records: Records): void {
	const {firstId, starts} = records;
	const state = new Uint8Array(starts.length);
	const path: {readonly index: number; readonly parts: readonly number[]; next: number}[] = [];
	const enter = (index: number): void => {
		state[index] = open;
		path.push({index, parts: partsOf(records, index), next: 0});
	};

	for (let index = 0; index < starts.length; index++) {
		if (state[index] === unseen) enter(index);
		for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
			const part = top.parts[top.next++];
			if (part === undefined) {
				state[top.index] = done;
				path.pop();
			} else if (part >= firstId) {
				// A base cannot refer to what continues it.
				const inner = part - firstId;
				if (state[inner] === open) {
					throw new BtfError('it contains itself', {typeId: part});
				}

				if (state[inner] === unseen) enter(inner);
			}
		}
	}
}

const nothing: readonly number[] = [];

/** Ids of the types whose values a value of this type consists of. */
function partsOf({words, starts}: Records, index: number): readonly number[] {
	const at = starts[index] ?? 0;
	const info = words[at + 1] ?? 0;
	const count = info & 0xffff;
	switch (kindNames[(info >>> 24) & 0x1f]) {
		case 'typedef':
		case 'volatile':
		case 'const':
		case 'restrict':
		case 'type_tag':
		case 'var':
			return [words[at + 2] ?? 0];
		case 'array':
			return [words[at + 3] ?? 0];
		case 'struct':
		case 'union':
			return Array.from({length: count}, (_, i) => words[at + 4 + i * 3] ?? 0);
		case 'datasec':
			return Array.from({length: count}, (_, i) => words[at + 3 + i * 3] ?? 0);
		default:
			return nothing;
	}
}
