/** A lazy reader of BTF: an index of where each type starts, and types decoded when asked for. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {BtfError} from './btf-error.js';
import {decodeType} from './decode.js';
import {kindExtra, kindNames} from './kinds.js';
import type {BtfKind, BtfType, BtfTypeOf} from './types.js';

const magic = 0xeb9f;
const headerSize = 24;

export interface BtfOptions {
	/** What these types continue: ids and strings count on from its own. */
	readonly base?: Btf;
}

/** Typedefs, qualifiers and tags that may follow one another before something is amiss. */
const maxDepth = 256;

/** The types of one object file, module or kernel. */
export class Btf {
	/** As they were given to `parse`. */
	readonly bytes: Uint8Array;
	readonly littleEndian: boolean;
	readonly base: Btf | undefined;
	/** Ids run from 0, which is void, to `typeCount - 1`. */
	readonly typeCount: number;
	/** The first id that is not of the base. */
	readonly firstId: number;
	private readonly view: DataView;
	private readonly text: Buffer;
	private readonly typeStart: number;
	/** The types as words of this machine: loops over all types are fastest over these. */
	private readonly words: Uint32Array;
	private readonly stringStart: number;
	private readonly stringSize: number;
	/** Where each type starts in `words`. */
	private readonly starts: Uint32Array;
	private readonly decoded = new Map<number, BtfType>();

	/** *Throws:* `ERR_BTF` when the bytes are not whole, valid BTF. */
	static parse(bytes: Uint8Array, options: BtfOptions = {}): Btf {
		return new Btf(bytes, options.base);
	}

	private constructor(bytes: Uint8Array, base: Btf | undefined) {
		this.bytes = bytes;
		this.base = base;
		this.view = viewOf(bytes);
		this.text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
		if (bytes.length < headerSize) throw new BtfError(`${bytes.length} bytes hold no header`);
		this.littleEndian = this.view.getUint16(0, true) === magic;
		if (!this.littleEndian && this.view.getUint16(0) !== magic) {
			throw new BtfError('it does not begin with the magic number', {offset: 0});
		}

		const u32 = (offset: number): number => this.view.getUint32(offset, this.littleEndian);
		if (bytes[2] !== 1) throw new BtfError(`version ${bytes[2]} is not known`, {offset: 2});
		const header = u32(4);
		if (header < headerSize || header > bytes.length) {
			throw new BtfError(`a header of ${header} bytes is not possible`, {offset: 4});
		}

		for (let at = headerSize; at < header; at++) {
			if (bytes[at] !== 0)
				throw new BtfError('the header has fields not known', {offset: at});
		}

		const [typeOffset, typeSize, stringOffset, stringSize] = [
			u32(8),
			u32(12),
			u32(16),
			u32(20),
		];
		this.typeStart = header + typeOffset;
		this.stringStart = header + stringOffset;
		this.stringSize = stringSize;
		if (typeOffset % 4 !== 0) throw new BtfError('types are not aligned', {offset: 8});
		if (this.typeStart + typeSize > bytes.length) {
			throw new BtfError('types reach beyond the end', {offset: 12});
		}

		if (this.stringStart + stringSize > bytes.length) {
			throw new BtfError('strings reach beyond the end', {offset: 20});
		}

		const lastByte = bytes[this.stringStart + stringSize - 1];
		if ((base === undefined && stringSize === 0) || (stringSize > 0 && lastByte !== 0)) {
			throw new BtfError('strings do not end with NUL', {offset: this.stringStart});
		}

		if (base === undefined && bytes[this.stringStart] !== 0) {
			throw new BtfError('the first string is not empty', {offset: this.stringStart});
		}

		this.words = this.typeWords(typeSize);
		this.firstId = base?.typeCount ?? 1;
		this.starts = this.index(typeSize);
		this.typeCount = this.firstId + this.starts.length;
	}

	/** The type numbered `id`; the same object each time. *Throws:* `ERR_BTF`. */
	type(id: number): BtfType {
		if (id === 0) return voidType;
		if (this.base !== undefined && id < this.firstId) return this.base.type(id);
		const known = this.decoded.get(id);
		if (known !== undefined) return known;
		const start = this.starts[id - this.firstId];
		if (start === undefined) throw new BtfError('there is no such type', {typeId: id});
		const type = decodeType(this, this.view, this.typeStart + start * 4, id);
		this.decoded.set(id, type);
		return type;
	}

	/** The string at `offset` of the strings. *Throws:* `ERR_BTF`. */
	string(offset: number): string {
		const baseSize = this.stringBase;
		if (this.base !== undefined && offset < baseSize) return this.base.string(offset);
		const own = offset - baseSize;
		if (own < 0 || own >= this.stringSize) {
			throw new BtfError(`there is no string at ${offset}`, {offset: this.stringStart});
		}

		const start = this.stringStart + own;
		const end = this.bytes.indexOf(0, start);
		return this.text.toString('utf8', start, end);
	}

	/** The first type of that name and kind; undefined when there is none. */
	find<K extends BtfKind>(name: string, kind: K): BtfTypeOf<K> | undefined;
	find(name: string, kind?: BtfKind): BtfType | undefined;
	find(name: string, kind?: BtfKind): BtfType | undefined {
		const id = this.searchIds(name, kind, 1)[0];
		return id === undefined ? this.base?.find(name, kind) : this.type(id);
	}

	/** Ids of all types of that name, those of the base first. */
	findAll(name: string): number[] {
		return [...(this.base?.findAll(name) ?? []), ...this.searchIds(name, undefined, Infinity)];
	}

	/** Through typedefs, qualifiers and tags to the type itself. *Throws:* `ERR_BTF`. */
	resolve(id: number): BtfType {
		let type = this.type(id);
		for (let depth = 0; ; depth++) {
			switch (type.kind) {
				case 'typedef':
				case 'volatile':
				case 'const':
				case 'restrict':
				case 'type_tag':
					if (depth === maxDepth) throw new BtfError('it refers to itself', {typeId: id});
					type = this.type(type.typeId);
					break;
				default:
					return type;
			}
		}
	}

	/** Bytes that a value of the type takes. *Throws:* `ERR_BTF` for what has no size. */
	sizeOf(id: number): number {
		let type = this.resolve(id);
		let count = 1;
		for (let depth = 0; type.kind === 'array'; depth++) {
			if (depth === maxDepth) throw new BtfError('it contains itself', {typeId: id});
			count *= type.length;
			type = this.resolve(type.elementTypeId);
		}

		const size = type.kind === 'ptr' ? 8 : 'size' in type ? type.size : undefined;
		if (size === undefined) throw new BtfError(`a ${type.kind} has no size`, {typeId: id});
		const total = size * count;
		if (total > 0xff_ff_ff_ff) throw new BtfError('it is larger than memory', {typeId: id});
		return total;
	}

	/** Where the strings of this BTF begin in the numbering that goes on from its base. */
	private get stringBase(): number {
		return this.base === undefined ? 0 : this.base.stringBase + this.base.stringSize;
	}

	private typeWords(typeSize: number): Uint32Array {
		const {bytes, typeStart} = this;
		const start = bytes.byteOffset + typeStart;
		const count = typeSize >>> 2;
		if (start % 4 === 0 && this.littleEndian === hostLittleEndian) {
			return new Uint32Array(bytes.buffer, start, count);
		}

		const copy = Buffer.from(bytes.slice(typeStart, typeStart + count * 4).buffer);
		if (this.littleEndian !== hostLittleEndian) copy.swap32();
		return new Uint32Array(copy.buffer, 0, count);
	}

	/** Where each record starts; each is whole. */
	private index(typeSize: number): Uint32Array {
		const {words, firstId} = this;
		// Pages that nothing is written to take no memory.
		const starts = new Uint32Array(words.length / 3 + 1);
		const count = findStarts(words, starts);
		let end = 0;
		if (count > 0) {
			const last = starts[count - 1] ?? 0;
			const info = words[last + 1] ?? 0;
			const kind = kindOf(info);
			if (fixedWords[kind] === beyond) {
				throw new BtfError(`kind ${kind} is not known`, {
					typeId: firstId + count - 1,
					offset: this.typeStart + last * 4,
				});
			}

			end = (last + recordWords(info)) * 4;
		}

		if (end > typeSize) this.cut(firstId + count - 1);
		if (end < typeSize) this.cut(firstId + count);
		return starts.subarray(0, count);
	}

	private cut(typeId: number): never {
		throw new BtfError('it reaches beyond the end of the types', {typeId});
	}

	/**
	 * Searches names as bytes, so that no string is made for a type nobody asked for: first for
	 * where the name stands among the strings, then for types that point there.
	 */
	private searchIds(name: string, kind: BtfKind | undefined, limit: number): number[] {
		const wanted = this.stringOffsets(name);
		const ids: number[] = [];
		if (wanted.size === 0) return ids;
		const {words, starts} = this;
		const only = wanted.size === 1 ? [...wanted][0] : undefined;
		const wantedKind = kind === undefined ? -1 : kindNames.indexOf(kind);
		for (let i = 0; i < starts.length; i++) {
			const at = starts[i] ?? 0;
			const nameOffset = words[at] ?? 0;
			if (only === undefined ? !wanted.has(nameOffset) : nameOffset !== only) continue;
			if (wantedKind >= 0 && kindOf(words[at + 1] ?? 0) !== wantedKind) continue;
			ids.push(this.firstId + i);
			if (ids.length >= limit) break;
		}

		return ids;
	}

	/** Every offset at which `name` can be read, suffixes of longer strings included. */
	private stringOffsets(name: string): Set<number> {
		const found = new Set<number>();
		if (name === '' || name.includes('\0')) return found;
		const needle = Buffer.from(`${name}\0`);
		const strings = Buffer.from(
			this.bytes.buffer,
			this.bytes.byteOffset + this.stringStart,
			this.stringSize,
		);
		for (let at = strings.indexOf(needle); at >= 0; at = strings.indexOf(needle, at + 1)) {
			found.add(at + this.stringBase);
		}

		// A name may also be one of the base's strings.
		for (const offset of this.base?.stringOffsets(name) ?? []) found.add(offset);
		return found;
	}
}

/** Words of a record of each kind, and of each of its parts; `beyond` for what is no kind. */
const beyond = 1 << 30;
const fixedWords = Int32Array.from({length: 32}, (_, kind) => {
	const extra = kindExtra[kind];
	return kind === 0 || extra === undefined ? beyond : 3 + extra[0] / 4;
});
const partWords = Int32Array.from({length: 32}, (_, kind) => (kindExtra[kind]?.[1] ?? 0) / 4);

function kindOf(info: number): number {
	return (info >>> 24) & 0x1f;
}

function recordWords(info: number): number {
	const kind = kindOf(info);
	return (fixedWords[kind] ?? beyond) + (info & 0xffff) * (partWords[kind] ?? 0);
}

/**
 * Fills in where records start, up to the first that is no good; their number. Kept apart, small
 * and without calls: it goes through all types of a kernel before V8 has compiled it.
 */
function findStarts(words: Uint32Array, starts: Uint32Array): number {
	const last = words.length - 3;
	let count = 0;
	for (let at = 0; at <= last;) {
		starts[count++] = at;
		const info = words[at + 1] ?? 0;
		const kind = (info >>> 24) & 0x1f;
		at += (fixedWords[kind] ?? beyond) + (info & 0xffff) * (partWords[kind] ?? 0);
	}

	return count;
}

const voidType: BtfType = {kind: 'void', id: 0, name: 'void'};

/** True when the types are of this machine's byte order. */
export function isHostBtf(btf: Btf): boolean {
	return btf.littleEndian === hostLittleEndian;
}
