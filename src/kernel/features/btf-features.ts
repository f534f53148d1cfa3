/** Kinds of type that the kernel takes in the BTF of programs and maps. */

import {BtfBuilder} from '../../format/btf/builder.js';
import {addon} from '../sys/addon.js';
import {btfLoad} from '../sys/object.js';
import {answerOf, type Answer} from './answer.js';
import type {Feature} from './feature.js';

type NewType = Parameters<BtfBuilder['add']>[0];

const int: NewType = {
	kind: 'int',
	name: 'int',
	size: 4,
	bits: 32,
	bitOffset: 0,
	signed: true,
	char: false,
	bool: false,
};
const prototype: NewType = {
	kind: 'func_proto',
	name: '',
	returnTypeId: 1,
	parameters: [{name: 'a', typeId: 1}],
};
const variable: NewType = {kind: 'var', name: 'v', typeId: 1, linkage: 'static'};

/** Type 1 is always `int`; the kind comes last, after what it refers to. */
const kinds: Readonly<Record<string, readonly [since: string, ...NewType[]]>> = {
	int: ['4.18'],
	func: ['5.0', prototype, {kind: 'func', name: 'f', typeId: 2, linkage: 'static'}],
	datasec: [
		'5.2',
		variable,
		{
			kind: 'datasec',
			name: '.data',
			size: 4,
			variables: [{typeId: 2, offset: 0, size: 4}],
		},
	],
	func_global: ['5.6', prototype, {kind: 'func', name: 'f', typeId: 2, linkage: 'global'}],
	float: ['5.13', {kind: 'float', name: 'float', size: 4}],
	decl_tag: ['5.16', variable, {kind: 'decl_tag', name: 'tag', typeId: 2, componentIndex: -1}],
	type_tag: [
		'5.17',
		{kind: 'type_tag', name: 'tag', typeId: 1},
		{kind: 'ptr', name: '', typeId: 2},
	],
	enum64: [
		'6.0',
		{
			kind: 'enum64',
			name: 'e',
			size: 8,
			signed: false,
			values: [{name: 'A', value: 1n << 40n}],
		},
	],
	attribute: [
		'6.15',
		{kind: 'type_tag', name: 'tag', typeId: 1, attribute: true},
		{kind: 'ptr', name: '', typeId: 2},
	],
};

/** Kinds of BTF, as `btf:enum64`. */
export function btfFeatures(): Feature[] {
	return Object.entries(kinds).map(([name, [since, ...types]]): Feature => ({
		name: `btf:${name}`,
		group: 'btf',
		since,
		probe: () => loads([int, ...types]),
	}));
}

function loads(types: readonly NewType[]): Answer {
	const builder = new BtfBuilder();
	for (const type of types) builder.add(type);
	const {result} = btfLoad(builder.build());
	if (result >= 0) addon.closeFd(result);
	return answerOf(result);
}
