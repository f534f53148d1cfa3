/** Takes out of BTF what a kernel does not take, leaving every type its id and every string its place. */

import {viewOf} from '../../base/bytes.js';
import type {Btf} from './btf.js';
import {headerSize, readHeader} from './header.js';
import {kindExtra, kindNames} from './kinds.js';

/** What BTF may have that older kernels refuse, the newest first, and the kernel that took it first. */
export const btfFeatures = [
	['attributes', '6.15'],
	['optional sections', '6.10'],
	['enum64', '6.0'],
	['type_tag', '5.17'],
	['decl_tag', '5.16'],
	['float', '5.13'],
	['global functions', '5.6'],
	['data sections', '5.2'],
	['functions', '5.0'],
] as const;

export type BtfFeature = (typeof btfFeatures)[number][0];

const kind = Object.fromEntries(kindNames.map((name, number) => [name, number])) as Record<
	(typeof kindNames)[number],
	number
>;
const externLinkage = 2;

/** A type record: name, info and size or type as the kernel numbers them, and what follows. */
interface Rec {
	name: number;
	kind: number;
	vlen: number;
	flag: boolean;
	/** Size, or type id. */
	last: number;
	tail: Uint8Array;
}

/** An unnamed struct of nothing: takes the place of what the kernel does not want to hear of. */
function nothing(): Rec {
	return {name: 0, kind: kind.struct, vlen: 0, flag: false, last: 0, tail: new Uint8Array(0)};
}

/** What of `btfFeatures` is in `btf`, the newest first. */
export function featuresOf(btf: Btf): BtfFeature[] {
	const present = new Set<BtfFeature>();
	for (const record of records(btf)) {
		for (const feature of featuresOfRecord(record)) present.add(feature);
		if (isOptional(btf, record)) present.add('optional sections');
	}

	return btfFeatures.map(([feature]) => feature).filter(feature => present.has(feature));
}

/** A section whose name starts with `?`. */
function isOptional(btf: Btf, {kind: number, name}: Rec): boolean {
	return number === kind.datasec && btf.string(name).startsWith('?');
}

function featuresOfRecord({kind: number, vlen, flag}: Rec): BtfFeature[] {
	switch (number) {
		case kind.enum:
			// Signed enums came with the wide ones.
			return flag ? ['enum64'] : [];
		case kind.enum64:
			return ['enum64'];
		case kind.type_tag:
			return flag ? ['type_tag', 'attributes'] : ['type_tag'];
		case kind.decl_tag:
			return flag ? ['decl_tag', 'attributes'] : ['decl_tag'];
		case kind.float:
			return ['float'];
		case kind.var:
		case kind.datasec:
			return ['data sections'];
		case kind.func:
			return vlen === 1 ? ['global functions', 'functions'] : ['functions'];
		case kind.func_proto:
			return ['functions'];
		default:
			return [];
	}
}

/** True when there are externs: no kernel takes those. */
export function hasExterns(btf: Btf): boolean {
	const {littleEndian} = btf;
	for (const {kind: number, vlen, tail} of records(btf)) {
		if (number === kind.func && vlen === externLinkage) return true;
		if (number === kind.var && viewOf(tail).getUint32(0, littleEndian) === externLinkage) {
			return true;
		}
	}

	return false;
}

/**
 * The bytes of `btf` without `features` and without externs, for the kernel. What is left out is
 * replaced by something of the same size and id, so that all else may go on referring to it:
 * a float by a struct of its size, a tag by what it tags, a section by an empty struct.
 *
 * A variable of `.kconfig` becomes an ordinary one, for the section is a map like others.
 */
export function stripBtf(btf: Btf, features: ReadonlySet<BtfFeature>): Uint8Array {
	const header = readHeader(btf.bytes, btf.base !== undefined);
	const all = [...records(btf)];
	const replaced = new Replacement(btf, all, features).run();
	const size = replaced.reduce((sum, {tail}) => sum + 12 + tail.length, 0);
	const {stringStart, stringSize, littleEndian} = header;
	const bytes = new Uint8Array(headerSize + size + stringSize);
	bytes.set(btf.bytes.subarray(0, headerSize));
	const view = viewOf(bytes);
	for (const [offset, value] of [
		[4, headerSize],
		[8, 0],
		[12, size],
		[16, size],
		[20, stringSize],
	] as const) {
		view.setUint32(offset, value, littleEndian);
	}

	let at = headerSize;
	for (const {name, kind: number, vlen, flag, last, tail} of replaced) {
		view.setUint32(at, name, littleEndian);
		view.setUint32(at + 4, ((flag ? 1 : 0) << 31) | (number << 24) | vlen, littleEndian);
		view.setUint32(at + 8, last, littleEndian);
		bytes.set(tail, at + 12);
		at += 12 + tail.length;
	}

	bytes.set(btf.bytes.subarray(stringStart, stringStart + stringSize), at);
	return bytes;
}

/** The records of `btf` that are its own, the first being of `btf.firstId`. */
function* records(btf: Btf): Generator<Rec> {
	const {bytes, littleEndian} = btf;
	const {typeStart, typeSize} = readHeader(bytes, btf.base !== undefined);
	const view = viewOf(bytes);
	for (let at = typeStart; at < typeStart + typeSize;) {
		const info = view.getUint32(at + 4, littleEndian);
		const number = (info >>> 24) & 0x1f;
		const vlen = info & 0xffff;
		const [fixed, each] = kindExtra[number] ?? [0, 0];
		const end = at + 12 + fixed + each * vlen;
		yield {
			name: view.getUint32(at, littleEndian),
			kind: number,
			vlen,
			flag: info >>> 31 === 1,
			last: view.getUint32(at + 8, littleEndian),
			tail: bytes.subarray(at + 12, end),
		};
		at = end;
	}
}

/** Older kernels know no enum of 8 bytes, and a union has any size. */
function wideNumber(record: Rec): Rec {
	return {...nothing(), kind: kind.union, last: record.last};
}

class Replacement {
	readonly #btf: Btf;
	readonly #all: readonly Rec[];
	readonly #features: ReadonlySet<BtfFeature>;
	/** Ids of what is gone, so that tags on it go as well. */
	readonly #gone = new Set<number>();
	readonly #settings: ReadonlySet<number>;

	constructor(btf: Btf, all: readonly Rec[], features: ReadonlySet<BtfFeature>) {
		this.#btf = btf;
		this.#all = all;
		this.#features = features;
		const section = all.findIndex(
			({kind: number, name}) => number === kind.datasec && btf.string(name) === '.kconfig',
		);
		this.#settings = new Set(this.#variables(all[section]));
	}

	run(): Rec[] {
		const {firstId} = this.#btf;
		const replaced = this.#all.map((record, index) => {
			const result = this.#withoutExtern(record, firstId + index);
			if (result.kind !== record.kind) this.#gone.add(firstId + index);
			return result;
		});
		return replaced.map(record => this.#withoutFeature(record));
	}

	#withoutExtern(record: Rec, id: number): Rec {
		switch (record.kind) {
			case kind.func:
				return record.vlen === externLinkage ? nothing() : record;
			case kind.var:
				if (this.#word(record, 0) !== externLinkage) return record;
				return this.#settings.has(id) ? this.#asGlobal(record) : nothing();
			case kind.datasec: {
				const ids = this.#variables(record);
				const externs = ids.filter(id => this.#isExtern(id) && !this.#settings.has(id));
				return externs.length > 0 ? nothing() : record;
			}

			default:
				return record;
		}
	}

	#withoutFeature(record: Rec): Rec {
		const gone = (feature: BtfFeature): boolean => this.#features.has(feature);
		switch (record.kind) {
			case kind.enum:
				return gone('enum64') ? {...record, flag: false} : record;
			case kind.enum64:
				return gone('enum64') ? wideNumber(record) : record;
			case kind.type_tag:
				if (gone('type_tag')) return {...record, name: 0, kind: kind.const, flag: false};
				return gone('attributes') ? {...record, flag: false} : record;
			case kind.decl_tag:
				if (gone('decl_tag') || this.#gone.has(record.last)) return nothing();
				return gone('attributes') ? {...record, flag: false} : record;
			case kind.float:
				// A struct is the only other kind whose size is free and that has no meaning.
				return gone('float') ? {...nothing(), last: record.last} : record;
			case kind.var:
				if (!gone('data sections')) return record;
				return {...record, name: 0, kind: kind.const, tail: new Uint8Array(0)};
			case kind.datasec:
				if (gone('data sections')) return nothing();
				if (!gone('optional sections') || !isOptional(this.#btf, record)) return record;
				// The same string, but for its first character.
				return {...record, name: record.name + 1};
			case kind.func:
				if (gone('functions')) return nothing();
				return gone('global functions') ? {...record, vlen: 0} : record;
			case kind.func_proto:
				return gone('functions') ? nothing() : record;
			default:
				return record;
		}
	}

	#asGlobal(record: Rec): Rec {
		const tail = Uint8Array.from(record.tail);
		viewOf(tail).setUint32(0, 1, this.#btf.littleEndian);
		return {...record, tail};
	}

	#isExtern(id: number): boolean {
		const record = this.#all[id - this.#btf.firstId];
		if (record?.kind === kind.func) return record.vlen === externLinkage;
		return record?.kind === kind.var && this.#word(record, 0) === externLinkage;
	}

	#variables(section: Rec | undefined): number[] {
		if (section === undefined) return [];
		return Array.from({length: section.vlen}, (_, index) => this.#word(section, index * 12));
	}

	#word(record: Rec, at: number): number {
		return viewOf(record.tail).getUint32(at, this.#btf.littleEndian);
	}
}
