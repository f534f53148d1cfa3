/** Looks for a field of the object's type in a type of the target. */

import type {Btf} from '../../format/btf/btf.js';
import {describeType} from '../../format/btf/describe.js';
import {printable} from '../../format/btf/printable.js';
import type {BtfMember} from '../../format/btf/types.js';
import {type FieldPath, maxBitOffset} from './access.js';
import {areFieldsCompatible} from './compatible.js';
import {isComposite, sizeOf} from './types.js';

/**
 * The same way through the target's type: members by name, whatever unnamed structs and unions they
 * are in, elements by number. A string says why there is none. *Throws:* `ERR_BTF`.
 */
export function findField(
	local: Btf,
	path: FieldPath,
	target: Btf,
	targetId: number,
): FieldPath | string {
	let reached = {typeId: targetId, bitOffset: 0, bitfieldSize: 0};
	let isMember = false;
	let mayBeFlexible = false;
	for (const [at, step] of path.steps.entries()) {
		if (step.kind === 'member') {
			const type = target.resolve(reached.typeId);
			const found = findMember(target, type.id, step.name);
			if (found === undefined) {
				const where = at === 1 ? '' : ` in ${describeType(target, reached.typeId)}`;
				return `no member "${printable(step.name)}"${where}`;
			}

			const {typeId, bitOffset, bitfieldSize} = found.member;
			if (!areFieldsCompatible(local, step.typeId, target, typeId)) {
				const [here, there] = [
					describeType(local, step.typeId),
					describeType(target, typeId),
				];
				return `its member "${printable(step.name)}" is of type ${there}, not ${here}`;
			}

			const start = reached.bitOffset + found.bitOffset;
			reached = {typeId, bitOffset: start + bitOffset, bitfieldSize};
			isMember = true;
			mayBeFlexible = found.isLast;
			continue;
		}

		if (at > 0) {
			const array = target.resolve(reached.typeId);
			if (array.kind !== 'array') return `${describeType(target, array.id)} is no array`;
			const isFlexible = mayBeFlexible && array.length === 0;
			if (step.index >= array.length && !isFlexible) {
				return `its array has ${array.length} elements, none with the number ${step.index}`;
			}

			reached = {...reached, typeId: array.elementTypeId, bitfieldSize: 0};
		}

		isMember = false;
		mayBeFlexible = false;
		if (step.index === 0) continue;
		const size = sizeOf(target, reached.typeId);
		if (size === undefined) return `${describeType(target, reached.typeId)} has no size`;
		reached = {...reached, bitOffset: reached.bitOffset + step.index * size * 8};
	}

	if (reached.bitOffset > maxBitOffset) return 'it lies beyond 4 GiB';
	return {...reached, steps: path.steps, isMember};
}

interface FoundMember {
	readonly member: BtfMember;
	/** Bits from the start of the type to that of the unnamed one that has the member. */
	readonly bitOffset: number;
	/** The last of a struct: an array without length goes on. */
	readonly isLast: boolean;
}

const maxDepth = 32;

/** The first member of that name, in the order of the declaration. */
function findMember(types: Btf, id: number, name: string): FoundMember | undefined {
	// What is in an unnamed type does not change: each is searched once, however often it is used.
	const searched = new Set<number>();
	const search = (typeId: number, start: number, depth: number): FoundMember | undefined => {
		const type = types.resolve(typeId);
		if (!isComposite(type.kind) || !('members' in type)) return undefined;
		if (searched.has(type.id) || depth > maxDepth) return undefined;
		searched.add(type.id);
		for (const [index, member] of type.members.entries()) {
			if (member.name === name) {
				const isLast = type.kind === 'struct' && index === type.members.length - 1;
				return {member, bitOffset: start, isLast};
			}

			if (member.name !== '') continue;
			const found = search(member.typeId, start + member.bitOffset, depth + 1);
			if (found !== undefined) return found;
		}

		return undefined;
	};
	return search(id, 0, 0);
}
