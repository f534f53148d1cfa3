/** What differs between the types of two BTFs, by their names. */

import {type Btf, allIds} from './btf.js';
import {describeType} from './describe.js';
import type {BtfKind, BtfType} from './types.js';

/** A field, enumerator or parameter list, before and after. */
export interface PartChange {
	readonly how: 'added' | 'removed' | 'moved' | 'resized' | 'retyped' | 'renamed' | 'changed';
	/** `tuple.port`: members of unnamed structs stand in their parent. */
	readonly part: string;
	readonly before: PartState | undefined;
	readonly after: PartState | undefined;
}

/** A part of a type; of an enumerator `type` is its value. */
export interface PartState {
	readonly name: string;
	readonly type: string;
	/** Bits from the start of the type, and its width. */
	readonly offset: number;
	readonly bits: number;
}

/** A type that differs. */
export interface TypeChange {
	readonly how: 'added' | 'removed' | 'changed';
	readonly kind: BtfKind;
	readonly name: string;
	/** Bytes; undefined for what has no size. */
	readonly sizeBefore: number | undefined;
	readonly sizeAfter: number | undefined;
	readonly parts: readonly PartChange[];
}

/** Which differences of types count. */
export interface DiffOptions {
	/** Only types of this name; all unless given. */
	readonly name?: string;
}

/** Kinds whose names mean something by themselves; the others are parts of these. */
const named = new Set<BtfKind>([
	'struct',
	'union',
	'enum',
	'enum64',
	'typedef',
	'func',
	'int',
	'var',
]);

/** Structs inside of structs; no source goes so deep. */
const maxDepth = 64;

/** Parts of unnamed types inside of unnamed types: a hostile type has no end of them. */
const maxParts = 1 << 16;

interface Named {
	readonly kind: BtfKind;
	readonly name: string;
	readonly size: number | undefined;
	readonly parts: readonly PartState[];
	/** Everything above as one text. */
	readonly key: string;
}

/** Types that were added, removed and changed, in the order of their first appearance. */
export function* diffTypes(
	before: Btf,
	after: Btf,
	options: DiffOptions = {},
): Generator<TypeChange> {
	const [old, now] = [group(before, options), group(after, options)];
	for (const [key, ids] of old) {
		const others = now.get(key) ?? [];
		// Of several types of a name, those that are the same are no news.
		const left = new Map<string, Named[]>();
		for (const id of others) {
			const type = read(after, id);
			left.set(type.key, [...(left.get(type.key) ?? []), type]);
		}

		const changed = ids
			.map(id => read(before, id))
			.filter(type => left.get(type.key)?.pop() === undefined);
		const rest = [...left.values()].flat();
		for (const [index, type] of changed.entries()) yield compare(type, rest[index]);
		for (const type of rest.slice(changed.length)) yield compare(undefined, type);
	}

	for (const [key, ids] of now) {
		if (old.has(key)) continue;
		for (const id of ids) yield compare(undefined, read(after, id));
	}
}

function group(btf: Btf, {name}: DiffOptions): Map<string, number[]> {
	const groups = new Map<string, number[]>();
	for (const id of name === undefined ? allIds(btf) : btf.findAll(name)) {
		const kind = btf.kindOf(id);
		if (!named.has(kind)) continue;
		const type = btf.type(id);
		if (type.name === '') continue;
		const key = `${kind === 'enum64' ? 'enum' : kind} ${type.name}`;
		const group = groups.get(key);
		if (group === undefined) groups.set(key, [id]);
		else group.push(id);
	}

	return groups;
}

function read(btf: Btf, id: number): Named {
	const type = btf.type(id);
	const {kind, name} = type;
	const size = 'size' in type ? type.size : undefined;
	const parts = partsOf(btf, type);
	const texts = parts.map(part => `${part.name}\0${part.type}\0${part.offset}\0${part.bits}`);
	return {kind, name, size, parts, key: [size ?? '', ...texts].join('\n')};
}

function partsOf(btf: Btf, type: BtfType): PartState[] {
	switch (type.kind) {
		case 'struct':
		case 'union':
			return fieldsOf(btf, type.id);
		case 'enum':
		case 'enum64':
			return type.values.map(({name, value}) => ({
				name,
				type: String(value),
				offset: 0,
				bits: 0,
			}));
		case 'int': {
			const sign = type.bool ? 'bool' : type.signed ? 'signed' : 'unsigned';
			return [{name: '', type: sign, offset: type.bitOffset, bits: type.bits}];
		}

		case 'typedef':
			return [
				{name: '', type: describeType(btf, type.typeId), offset: 0, bits: 0},
				...inner(btf, type.typeId),
			];
		default:
			return [{name: '', type: describeType(btf, type.id), offset: 0, bits: 0}];
	}
}

/** What an unnamed type consists of. */
function inner(btf: Btf, id: number): PartState[] {
	const type = btf.type(id);
	return type.name === '' && (type.kind === 'struct' || type.kind === 'union')
		? fieldsOf(btf, id)
		: [];
}

function fieldsOf(btf: Btf, id: number): PartState[] {
	const fields: PartState[] = [];
	const visit = (typeId: number, path: string, start: number, depth: number): void => {
		const type = btf.type(typeId);
		if (type.kind !== 'struct' && type.kind !== 'union') return;
		for (const {name, typeId: own, bitOffset, bitfieldSize} of type.members) {
			if (fields.length > maxParts) return;
			const full = path === '' || name === '' ? path + name : `${path}.${name}`;
			const offset = start + bitOffset;
			const of = btf.type(own);
			const isUnnamed = of.name === '' && (of.kind === 'struct' || of.kind === 'union');
			if (name !== '' || !isUnnamed) {
				const bits = bitfieldSize > 0 ? bitfieldSize : sizeOf(btf, own) * 8;
				fields.push({name: full, type: describeType(btf, own), offset, bits});
			}

			if (isUnnamed && depth < maxDepth) visit(own, full, offset, depth + 1);
		}
	};
	visit(id, '', 0, 0);
	return fields;
}

function sizeOf(btf: Btf, id: number): number {
	const {kind} = btf.resolve(id);
	const isSized = kind !== 'fwd' && kind !== 'void' && kind !== 'func_proto';
	return isSized ? btf.sizeOf(id) : 0;
}

function compare(before: Named | undefined, after: Named | undefined): TypeChange {
	const {kind, name} = after ?? before ?? {kind: 'void', name: ''};
	const how = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
	const parts = before !== undefined && after !== undefined ? compareParts(before, after) : [];
	return {how, kind, name, sizeBefore: before?.size, sizeAfter: after?.size, parts};
}

function compareParts(before: Named, after: Named): PartChange[] {
	const now = new Map(after.parts.map(part => [part.name, part]));
	const old = new Map(before.parts.map(part => [part.name, part]));
	const added = after.parts.filter(({name}) => !old.has(name));
	const changes: PartChange[] = [];
	for (const part of before.parts) {
		const same = now.get(part.name);
		if (same !== undefined) {
			const how = difference(part, same);
			if (how !== undefined) changes.push({how, part: part.name, before: part, after: same});
			continue;
		}

		// The same thing in the same place under a name that was not there before.
		const index = added.findIndex(other => difference(part, other) === undefined);
		const [renamed] = index < 0 ? [] : added.splice(index, 1);
		const how = renamed === undefined ? 'removed' : 'renamed';
		changes.push({how, part: part.name, before: part, after: renamed});
	}

	for (const part of added)
		changes.push({how: 'added', part: part.name, before: undefined, after: part});
	return changes;
}

function difference(before: PartState, after: PartState): PartChange['how'] | undefined {
	if (before.bits !== after.bits) return 'resized';
	if (before.type !== after.type) return before.bits === 0 ? 'changed' : 'retyped';
	return before.offset === after.offset ? undefined : 'moved';
}
