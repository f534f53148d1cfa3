import type {BtfKind} from './types.js';

/** Kinds by the kernel's numbers: `BTF_KIND_*`. */
export const kindNames: readonly BtfKind[] = [
	'void',
	'int',
	'ptr',
	'array',
	'struct',
	'union',
	'enum',
	'fwd',
	'typedef',
	'volatile',
	'const',
	'restrict',
	'func',
	'func_proto',
	'var',
	'datasec',
	'float',
	'decl_tag',
	'type_tag',
	'enum64',
];

/** Bytes that follow the 12 of every type: a fixed part, and a part for each of `vlen`. */
export const kindExtra: readonly (readonly [fixed: number, each: number])[] = [
	[0, 0],
	[4, 0],
	[0, 0],
	[12, 0],
	[0, 12],
	[0, 12],
	[0, 8],
	[0, 0],
	[0, 0],
	[0, 0],
	[0, 0],
	[0, 0],
	[0, 0],
	[0, 8],
	[4, 0],
	[0, 12],
	[0, 0],
	[4, 0],
	[0, 0],
	[0, 12],
];
