/** A lazy reader of BTF: an index of where each type starts, and types decoded when asked for. */

import {hostLittleEndian} from '../../base/bytes.js';
import {BtfError} from './btf-error.js';
import {checkNesting, checkRecord, type Records} from './check.js';
import {decodeType} from './decode.js';
import {findNames} from './find-names.js';
import {readHeader} from './header.js';
import {indexTypes, typeWords} from './index-types.js';
import {kindNames} from './kinds.js';
import type {BtfKind, BtfType, BtfTypeOf} from './types.js';

export interface BtfOptions {
	/** What these types continue: ids and strings count on from its own. */
	readonly base?: Btf;
	/** Nobody may write to the bytes: whoever asks for them is given a copy. */
	readonly readOnly?: boolean;
}

/** Typedefs, qualifiers, tags or arrays that may follow one another. */
const maxDepth = 256;

/** Types of more bytes than this are checked one by one, when they are asked for. */
const checkedAtOnce = 1 << 20;

/**
 * The types of one object file, module or kernel.
 *
 * The layout of all records is checked by `parse`. What they say is checked there too, except for
 * the types of a whole kernel (over 1 MiB), of which each is checked when it is asked for.
 */
export class Btf {
	readonly littleEndian: boolean;
	readonly base: Btf | undefined;
	/** Ids run from 0, which is void, to `typeCount - 1`. */
	readonly typeCount: number;
	/** The first id that is not of the base. */
	readonly firstId: number;
	/** String offsets run from 0 to below this, those of the base first. */
	readonly stringEnd: number;
	private readonly given: Uint8Array;
	private readonly readOnly: boolean;
	private readonly stringStart: number;
	private readonly stringBytes: Buffer;
	private readonly records: Records;
	private readonly decoded = new Map<number, BtfType>();
	private readonly strings = new Map<number, string>();
	private readonly flavours = new Map<string, readonly number[]>();
	private stringBudget: number;

	/** *Throws:* `ERR_BTF` when the bytes are not whole, valid BTF. */
	static parse(bytes: Uint8Array, options: BtfOptions = {}): Btf {
		return new Btf(bytes, options);
	}

	private constructor(bytes: Uint8Array, {base, readOnly = false}: BtfOptions) {
		const header = readHeader(bytes, base !== undefined);
		this.given = bytes;
		this.readOnly = readOnly;
		this.base = base;
		this.littleEndian = header.littleEndian;
		if (base !== undefined && base.littleEndian !== this.littleEndian) {
			throw new BtfError('it is of the other byte order than its base', {offset: 0});
		}

		this.stringStart = header.stringStart;
		const stringAt = bytes.byteOffset + header.stringStart;
		this.stringBytes = Buffer.from(bytes.buffer, stringAt, header.stringSize);
		this.stringEnd = this.stringBase + header.stringSize;
		// Strings may begin inside of others. Compilers do that little, hostile files without end.
		this.stringBudget = header.stringSize * 16 + 0x1_00_00;
		this.firstId = base?.typeCount ?? 1;
		const words = typeWords(bytes, header);
		const starts = indexTypes(words, header, this.firstId);
		this.typeCount = this.firstId + starts.length;
		const {firstId, typeCount, stringEnd} = this;
		const {typeStart} = header;
		this.records = {words, firstId, starts, typeCount, stringEnd, typeStart};
		if (header.typeSize <= checkedAtOnce) {
			for (let id = firstId; id < typeCount; id++) checkRecord(this.records, id);
			checkNesting(this.records);
		}
	}

	/** As they were given to `parse`; a copy of them where they are read-only. */
	get bytes(): Uint8Array {
		return this.readOnly ? this.given.slice() : this.given;
	}

	/** The type numbered `id`; the same object each time. *Throws:* `ERR_BTF`. */
	type(id: number): BtfType {
		if (id === 0) return voidType;
		if (this.base !== undefined && id < this.firstId) return this.base.type(id);
		const known = this.decoded.get(id);
		if (known !== undefined) return known;
		if (this.records.starts[id - this.firstId] === undefined) {
			throw new BtfError('there is no such type', {typeId: id});
		}

		if (this.records.words.byteLength > checkedAtOnce) checkRecord(this.records, id);
		const type = decodeType(this.records, id, offset => this.string(offset));
		this.decoded.set(id, type);
		return type;
	}

	/** What the type numbered `id` is, without reading it. *Throws:* `ERR_BTF`. */
	kindOf(id: number): BtfKind {
		if (id === 0) return 'void';
		if (this.base !== undefined && id < this.firstId) return this.base.kindOf(id);
		const start = this.records.starts[id - this.firstId];
		if (start === undefined) throw new BtfError('there is no such type', {typeId: id});
		return kindNames[((this.records.words[start + 1] ?? 0) >>> 24) & 0x1f] ?? 'void';
	}

	/** The string at `offset` of the strings. *Throws:* `ERR_BTF`. */
	string(offset: number): string {
		if (this.base !== undefined && offset < this.stringBase) return this.base.string(offset);
		const known = this.strings.get(offset);
		if (known !== undefined) return known;
		if (!Number.isInteger(offset) || offset < 0 || offset >= this.stringEnd) {
			throw new BtfError(`there is no string at ${offset}`, {offset: this.stringStart});
		}

		const start = offset - this.stringBase;
		const end = this.stringBytes.indexOf(0, start);
		this.stringBudget -= end - start;
		if (this.stringBudget < 0) {
			throw new BtfError('its strings share more bytes than a compiler would let them', {
				offset: this.stringStart + start,
			});
		}

		const text = this.stringBytes.toString('utf8', start, end);
		this.strings.set(offset, text);
		return text;
	}

	/**
	 * The first type of that name and kind, here or else in the base; undefined when there is none.
	 * Where a string holds just this name, types that share the end of a later string come last.
	 */
	find<K extends BtfKind>(name: string, kind: K): BtfTypeOf<K> | undefined;
	find(name: string, kind?: BtfKind): BtfType | undefined;
	find(name: string, kind?: BtfKind): BtfType | undefined {
		const id =
			this.searchIds(this.stringOffsets(name, false), kind, 1)[0] ??
			this.searchIds(this.stringOffsets(name, true), kind, 1)[0];
		return id === undefined ? this.base?.find(name, kind) : this.type(id);
	}

	/** Ids of all types of that name, ascending. */
	findAll(name: string): number[] {
		const own = this.searchIds(this.stringOffsets(name, true), undefined, Infinity);
		return [...(this.base?.findAll(name) ?? []), ...own];
	}

	/**
	 * Ids of all types of each name, ascending, those of flavours (`name___any`) among them; not of
	 * the base. What else has three underscores in its name may be among them, too.
	 */
	findFlavours(names: Iterable<string>): Map<string, readonly number[]> {
		const asked = new Set(names);
		const missing = [...asked].filter(name => !this.flavours.has(name));
		if (missing.length > 0) {
			const {words, starts, firstId} = this.records;
			const spans = [{strings: this.stringBytes, stringBase: this.stringBase}];
			// Names of these types may be among the strings of what they continue.
			for (let {base} = this; base !== undefined; base = base.base) {
				spans.push({strings: base.stringBytes, stringBase: base.stringBase});
			}

			const found = spans.map(span => findNames({words, starts, ...span}, missing));
			for (const [at, name] of missing.entries()) {
				const indices = found.flatMap(each => each[at] ?? []).sort((a, b) => a - b);
				this.flavours.set(
					name,
					indices.map(index => firstId + index),
				);
			}
		}

		return new Map([...asked].map(name => [name, this.flavours.get(name) ?? []]));
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
					if (depth === maxDepth) {
						throw new BtfError('it stands for itself, or for what is nested too deep', {
							typeId: id,
						});
					}

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
			if (depth === maxDepth) {
				throw new BtfError('it contains itself, or arrays nested too deep', {typeId: id});
			}

			// Beyond what fits any memory the exact number does not matter, but 0 times it is 0.
			count = Math.min(count * type.length, 2 ** 33);
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
		return this.base?.stringEnd ?? 0;
	}

	/**
	 * Searches names as bytes, so that no string is made for a type nobody asked for: first for
	 * where the name stands among the strings, then for types that point there.
	 */
	private searchIds(
		offsets: ReadonlySet<number>,
		kind: BtfKind | undefined,
		limit: number,
	): number[] {
		const {words, starts, firstId} = this.records;
		if (offsets.size === 0) return [];
		const number = kind === undefined ? -1 : kindNames.indexOf(kind);
		const ascending = [...offsets];
		const [lowest, highest] = [ascending[0] ?? 0, ascending.at(-1) ?? 0];
		const ids: number[] = [];
		for (let i = 0; i < starts.length; i++) {
			const at = starts[i] ?? 0;
			const name = words[at] ?? 0;
			if (name < lowest || name > highest || !offsets.has(name)) continue;
			const ofType = ((words[at + 1] ?? 0) >>> 24) & 0x1f;
			if (number >= 0 && ofType !== number) continue;
			ids.push(firstId + i);
			if (ids.length === limit) break;
		}

		return ids;
	}

	/**
	 * Offsets at which `name` can be read, ends of longer strings included: all, or those up to the
	 * first where it is a string of its own.
	 */
	private stringOffsets(name: string, all: boolean): Set<number> {
		if (name === '' || name.includes('\0')) return new Set();
		// A name may also be one of the base's strings.
		const found = this.base?.stringOffsets(name, all) ?? new Set();
		const {stringBytes, stringBase} = this;
		const needle = Buffer.from(`${name}\0`);
		for (let at = stringBytes.indexOf(needle); at >= 0;) {
			found.add(at + stringBase);
			if (!all && (at === 0 || stringBytes[at - 1] === 0)) break;
			at = stringBytes.indexOf(needle, at + 1);
		}

		return found;
	}
}

const voidType: BtfType = {kind: 'void', id: 0, name: 'void'};

/** Ids of all types but void, those of the base first. */
export function* allIds({typeCount}: Btf): Generator<number> {
	for (let id = 1; id < typeCount; id++) yield id;
}

/** True when the types are of this machine's byte order. */
export function isHostBtf(btf: Btf): boolean {
	return btf.littleEndian === hostLittleEndian;
}
