/** What the compiler wrote down of an access, read with the object's own types. */

import type {Btf} from '../../format/btf/btf.js';
import {describeType} from '../../format/btf/describe.js';
import type {CoreRelocation} from '../../format/btf/ext.js';
import {printable} from '../../format/btf/printable.js';
import type {RelocationSubject} from '../../format/log/failed-relocation.js';
import {type RelocationKind, relocationKinds, subjectOf} from './kinds.js';
import {isComposite, isEnum, sizeOf} from './types.js';

/** One step of the way from a type to a field. */
export type Step =
	| {readonly kind: 'element'; readonly index: number}
	| {readonly kind: 'member'; readonly name: string; readonly typeId: number};

/** The way to a field, and where it ends. */
export interface FieldPath {
	/** The first is always an element: of an array of the type itself. */
	readonly steps: readonly Step[];
	/** Type of what is reached. */
	readonly typeId: number;
	readonly bitOffset: number;
	/** Width of a bit-field; 0 for anything else. */
	readonly bitfieldSize: number;
	/** A member of a struct or union, rather than an element or the type itself. */
	readonly isMember: boolean;
}

export interface Enumerator {
	readonly name: string;
	readonly value: bigint;
}

/** What a relocation asks for. */
export interface Access {
	readonly kind: RelocationKind;
	readonly typeId: number;
	/** For the kinds that ask for a field. */
	readonly path?: FieldPath;
	/** For the kinds that ask for an enumerator. */
	readonly enumerator?: Enumerator;
	readonly subject: RelocationSubject;
}

const maxSteps = 64;

/** No structure is larger: a hostile one must not lead to numbers that are not exact. */
export const maxBitOffset = 2 ** 35;

/** The same, or what is wrong with the relocation. *Throws:* `ERR_BTF`. */
export function readAccess(
	types: Btf,
	{typeId, accessOffset, kind: number}: CoreRelocation,
): Access | string {
	const kind = relocationKinds[number];
	if (kind === undefined) return `relocation kind ${number} is not known`;
	const access = types.string(accessOffset);
	const indices = readIndices(access);
	if (indices === undefined) return `access "${printable(access)}" is none`;
	const subject = {
		relocation: kind,
		type: describeType(types, typeId),
		typeId,
		field: '',
		access,
	};
	switch (subjectOf(kind)) {
		case 'field': {
			const path = walk(types, typeId, indices);
			if (typeof path === 'string') return path;
			return {kind, typeId, path, subject: {...subject, field: describePath(path)}};
		}

		case 'type':
			if (access !== '0') return `access "${access}" is not that of a type`;
			return {kind, typeId, subject};
		case 'enumerator': {
			const type = types.resolve(typeId);
			if (!isEnum(type.kind) || !('values' in type)) return `${subject.type} is no enum`;
			const found = indices.length === 1 ? type.values[indices[0] ?? 0] : undefined;
			if (found === undefined) return `${subject.type} has no enumerator ${access}`;
			const enumerator = {name: found.name, value: BigInt(found.value)};
			return {kind, typeId, enumerator, subject: {...subject, field: printable(found.name)}};
		}
	}
}

function readIndices(access: string): number[] | undefined {
	if (!/^\d{1,10}(:\d{1,10}){0,63}$/.test(access)) return undefined;
	const indices = access.split(':').map(Number);
	return indices.length <= maxSteps && indices.every(index => index < 2 ** 31)
		? indices
		: undefined;
}

function walk(types: Btf, rootId: number, [first = 0, ...rest]: number[]): FieldPath | string {
	const steps: Step[] = [{kind: 'element', index: first}];
	const rootSize = sizeOf(types, rootId);
	if (rootSize === undefined) return `${describeType(types, rootId)} has no size`;
	let reached = {typeId: rootId, bitOffset: first * rootSize * 8, bitfieldSize: 0};
	let isMember = false;
	let mayBeFlexible = false;
	for (const index of rest) {
		const type = types.resolve(reached.typeId);
		if (isComposite(type.kind) && 'members' in type) {
			const member = type.members[index];
			if (member === undefined)
				return `${describeType(types, type.id)} has no member ${index}`;
			const {name, typeId, bitfieldSize} = member;
			if (name !== '') steps.push({kind: 'member', name, typeId});
			reached = {typeId, bitfieldSize, bitOffset: reached.bitOffset + member.bitOffset};
			isMember = true;
			mayBeFlexible = type.kind === 'struct' && index === type.members.length - 1;
		} else if (type.kind === 'array') {
			const isFlexible = mayBeFlexible && type.length === 0;
			if (index >= type.length && !isFlexible) {
				return `${describeType(types, type.id)} has no element ${index}`;
			}

			const size = sizeOf(types, type.elementTypeId);
			if (size === undefined) return `${describeType(types, type.elementTypeId)} has no size`;
			steps.push({kind: 'element', index});
			const bitOffset = reached.bitOffset + index * size * 8;
			reached = {typeId: type.elementTypeId, bitOffset, bitfieldSize: 0};
			isMember = false;
			mayBeFlexible = false;
		} else {
			return `${describeType(types, type.id)} has no members`;
		}
	}

	if (reached.bitOffset > maxBitOffset) return 'it lies beyond 4 GiB';
	return {...reached, steps, isMember};
}

/** `a.b[2].c`, without the first step where it leads nowhere. */
function describePath({steps}: FieldPath): string {
	let text = '';
	for (const [at, step] of steps.entries()) {
		if (step.kind === 'member') text += `${text === '' ? '' : '.'}${printable(step.name)}`;
		else if (at > 0 || step.index > 0) text += `[${step.index}]`;
	}

	return text;
}
