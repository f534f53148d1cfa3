/** Which types of several BTFs are the same, however they go around in circles. */

import {allIds, type Btf} from './btf.js';
import {BtfError} from './btf-error.js';
import type {BtfType} from './types.js';

/** A type of one of the inputs. */
export interface Node {
	readonly input: number;
	readonly type: BtfType;
	/** Positions among all nodes of what it refers to, in order; negative for types of the base. */
	readonly references: readonly number[];
	/** Everything but the references, as text. */
	readonly shape: string;
	/** `struct name`, of what may be declared in one input and defined in another. */
	readonly tag: string | undefined;
}

/** All own types of the inputs, with their references to one another. */
export function nodesOf(inputs: readonly Btf[]): Node[] {
	const starts: number[] = [];
	let count = 0;
	for (const btf of inputs) {
		starts.push(count);
		count += btf.typeCount - btf.firstId;
	}

	return inputs.flatMap((btf, input) => {
		const place = (id: number): number =>
			id < btf.firstId ? -1 - id : (starts[input] ?? 0) + id - btf.firstId;
		const nodes: Node[] = [];
		for (const id of allIds(btf)) {
			if (id < btf.firstId) continue;
			const type = btf.type(id);
			const references = referencesOf(type).map(place);
			nodes.push({input, type, references, shape: shapeOf(type, input), tag: tagOf(type)});
		}

		return nodes;
	});
}

/**
 * A class for each node; nodes of one class are one type. Structs refer to others by their tags as
 * long as all definitions of a tag are the same, so that declarations mean the definition.
 */
export function classesOf(nodes: readonly Node[]): Int32Array {
	// Tags that mean several types; of those only what looks the same all the way down is merged.
	const ambiguous = new Set<string>();
	for (let turn = 0; turn <= nodes.length; turn++) {
		const classes = refine(nodes, ambiguous);
		const meanings = new Map<string, number>();
		const before = ambiguous.size;
		for (const [index, {tag, type}] of nodes.entries()) {
			if (tag === undefined || type.kind === 'fwd') continue;
			const known = meanings.get(tag);
			if (known === undefined) meanings.set(tag, classes[index] ?? 0);
			else if (known !== classes[index]) ambiguous.add(tag);
		}

		if (ambiguous.size === before) return unite(nodes, classes, meanings, ambiguous);
	}

	throw new BtfError('types cannot be told apart');
}

/** Gives declarations the class of their one definition. */
function unite(
	nodes: readonly Node[],
	classes: Int32Array,
	meanings: ReadonlyMap<string, number>,
	ambiguous: ReadonlySet<string>,
): Int32Array {
	return classes.map((own, index) => {
		const {type, tag = ''} = nodes[index] ?? {};
		if (type?.kind !== 'fwd' || ambiguous.has(tag)) return own;
		return meanings.get(tag) ?? own;
	});
}

/** Splits classes by what their types refer to until nothing splits any more. */
function refine(nodes: readonly Node[], ambiguous: ReadonlySet<string>): Int32Array {
	let classes: Int32Array = new Int32Array(nodes.length);
	let count = number(classes, nodes, ({shape}) => shape);
	for (;;) {
		const before = classes;
		const name = (index: number): string => {
			const {tag} = nodes[index] ?? {};
			if (index < 0) return `base${index}`;
			return tag !== undefined && !ambiguous.has(tag) ? tag : String(before[index]);
		};
		const after: Int32Array = new Int32Array(nodes.length);
		const found = number(
			after,
			nodes,
			({references}, index) => `${before[index]} ${references.map(name).join('\0')}`,
		);
		if (found === count) return before;
		[classes, count] = [after, found];
	}
}

/** Numbers nodes by their keys; gives how many keys there are. */
function number(
	into: Int32Array,
	nodes: readonly Node[],
	keyOf: (node: Node, index: number) => string,
): number {
	const numbers = new Map<string, number>();
	for (const [index, node] of nodes.entries()) {
		const key = keyOf(node, index);
		const known = numbers.get(key) ?? numbers.size;
		numbers.set(key, known);
		into[index] = known;
	}

	return numbers.size;
}

function tagOf(type: BtfType): string | undefined {
	if (type.name === '') return undefined;
	if (type.kind === 'fwd') return `${type.forwardKind} ${type.name}`;
	return type.kind === 'struct' || type.kind === 'union'
		? `${type.kind} ${type.name}`
		: undefined;
}

function referencesOf(type: BtfType): number[] {
	switch (type.kind) {
		case 'array':
			return [type.elementTypeId, type.indexTypeId];
		case 'struct':
		case 'union':
			return type.members.map(({typeId}) => typeId);
		case 'func_proto':
			return [type.returnTypeId, ...type.parameters.map(({typeId}) => typeId)];
		case 'datasec':
			return type.variables.map(({typeId}) => typeId);
		default:
			return 'typeId' in type ? [type.typeId] : [];
	}
}

/** A section of one object is not that of another, whatever is in it. */
function shapeOf(type: BtfType, input: number): string {
	const own = type.kind === 'datasec' ? `${input} ${type.id}` : '';
	return JSON.stringify([own, type], (key, value: unknown) => {
		if (key === 'id' || key.endsWith('ypeId')) return undefined;
		return typeof value === 'bigint' ? String(value) : value;
	});
}
