/** Several BTFs as one, in which each type stands once. */

import type {Btf} from './btf.js';
import {BtfError} from './btf-error.js';
import {BtfBuilder, type NewBtfType} from './builder.js';
import {classesOf, type Node, nodesOf} from './classes.js';
import type {BtfType} from './types.js';

/** Types put together, and where each came from. */
export interface MergedTypes {
	readonly bytes: Uint8Array;
	/** For each input, by its ids: the id of the same type in the result. */
	readonly ids: readonly Uint32Array[];
}

/**
 * Merges types: those that are the same all the way down become one, also where they refer to
 * themselves, and a declared struct becomes the defined one where there is just one definition.
 * Data sections are kept apart. All inputs must continue the same base, or none.
 *
 * *Throws:* `ERR_BTF` for inputs of different byte orders or bases, and for damaged ones.
 */
export function mergeTypes(inputs: readonly Btf[]): MergedTypes {
	const [first] = inputs;
	if (first === undefined) return {bytes: new BtfBuilder().build(), ids: []};
	const {base, littleEndian, firstId} = first;
	for (const btf of inputs) {
		if (btf.littleEndian !== littleEndian) {
			throw new BtfError('types of both byte orders cannot be merged');
		}

		if (btf.base !== base) throw new BtfError('types that continue others cannot be merged');
	}

	const nodes = nodesOf(inputs);
	const classes = classesOf(nodes);
	const chosen = representatives(nodes, classes);
	const idOfClass = new Map<number, number>();
	for (const index of chosen) idOfClass.set(classes[index] ?? 0, firstId + idOfClass.size);

	const builder = new BtfBuilder({littleEndian, ...(base !== undefined && {base})});
	const idAt = (index: number): number =>
		index < 0 ? -1 - index : (idOfClass.get(classes[index] ?? 0) ?? 0);
	for (const index of chosen) {
		const node = nodes[index];
		if (node !== undefined) builder.add(withReferences(node, node.references.map(idAt)));
	}

	return {bytes: builder.build(), ids: idsOf(inputs, nodes, idAt)};
}

/** One node of each class in the order of the inputs, a definition where there is one. */
function representatives(nodes: readonly Node[], classes: Int32Array): number[] {
	const chosen = new Map<number, number>();
	for (const [index, {type}] of nodes.entries()) {
		const own = classes[index] ?? 0;
		const known = chosen.get(own);
		const isBetter = known !== undefined && nodes[known]?.type.kind === 'fwd';
		if (known === undefined || (isBetter && type.kind !== 'fwd')) chosen.set(own, index);
	}

	return [...chosen.values()];
}

function idsOf(
	inputs: readonly Btf[],
	nodes: readonly Node[],
	idAt: (index: number) => number,
): Uint32Array[] {
	const ids = inputs.map(({typeCount, firstId}) => {
		return Uint32Array.from({length: typeCount}, (_, id) => (id < firstId ? id : 0));
	});
	for (const [index, {input, type}] of nodes.entries()) {
		const own = ids[input];
		if (own !== undefined) own[type.id] = idAt(index);
	}

	return ids;
}

function withReferences({type}: Node, ids: readonly number[]): NewBtfType {
	const [first = 0] = ids;
	switch (type.kind) {
		case 'void':
			throw new BtfError('void is no type of its own', {typeId: type.id});
		case 'array':
			return {...type, elementTypeId: first, indexTypeId: ids[1] ?? 0};
		case 'struct':
		case 'union':
			return {...type, members: each(type.members, ids)};
		case 'func_proto':
			return {...type, returnTypeId: first, parameters: each(type.parameters, ids.slice(1))};
		case 'datasec':
			return {...type, variables: each(type.variables, ids)};
		default:
			return 'typeId' in type ? {...type, typeId: first} : type;
	}
}

function each<T extends {readonly typeId: BtfType['id']}>(
	list: readonly T[],
	ids: readonly number[],
): T[] {
	return list.map((part, index) => ({...part, typeId: ids[index] ?? 0}));
}
