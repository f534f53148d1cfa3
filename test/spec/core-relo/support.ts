/** Types, relocations and programs by hand. */

import {encodeInstructions} from '../../../src/format/asm/codec.js';
import {loadNumber} from '../../../src/format/asm/build.js';
import {type Instruction, wideImmediate} from '../../../src/format/asm/instruction.js';
import {decodeInstruction} from '../../../src/format/asm/codec.js';
import type {Btf} from '../../../src/format/btf/btf.js';
import {readAccess} from '../../../src/spec/core-relo/access.js';
import {Candidates} from '../../../src/spec/core-relo/candidates.js';
import {type RelocationKind, relocationKinds} from '../../../src/spec/core-relo/kinds.js';
import {
	type RelocatableProgram,
	type Relocated,
	relocateProgram,
} from '../../../src/spec/core-relo/relocate.js';
import {valueOf} from '../../../src/spec/core-relo/value.js';
import {Types} from '../../format/btf/types.js';

/** Declares a type and gives its id. */
export type Declare = (types: Types) => number;

/** What is asked of a type: `['field_exists', '0:1']`. */
export type Asked = readonly [kind: RelocationKind, access: string];

/** One type, and strings for accesses, as a compiler leaves them. */
export interface Local {
	readonly types: Btf;
	readonly typeId: number;
}

export function declareLocal(
	declare: Declare,
	accesses: readonly string[],
	littleEndian = true,
): Local {
	const types = new Types({littleEndian});
	const typeId = declare(types);
	// Nobody looks at what it is a name of.
	for (const access of accesses) types.typedef(access, types.u8);
	return {types: types.parse(), typeId};
}

export function declareTarget(...declarations: readonly Declare[]): Btf {
	const types = new Types({littleEndian: true});
	for (const declare of declarations) declare(types);
	return types.parse();
}

export function candidatesIn(target: Btf): Candidates {
	return new Candidates({name: 'vmlinux', types: () => target});
}

/** The record of `asked` for the instruction at `slot`. */
export function recordOf(
	{types, typeId}: Local,
	[kind, access]: Asked,
	slot = 0,
): RelocatableProgram['coreRelocations'][number] {
	const bytes = Buffer.from(types.bytes);
	const start = bytes.length - types.stringEnd;
	const accessOffset = bytes.indexOf(`\0${access}\0`, start) + 1 - start;
	return {slot, typeId, accessOffset, kind: relocationKinds.indexOf(kind)};
}

export function programOf(
	local: Local,
	instructions: readonly Instruction[],
	coreRelocations: RelocatableProgram['coreRelocations'],
): RelocatableProgram {
	const {types} = local;
	return {
		name: 'test',
		byteOrder: types.littleEndian ? 'little' : 'big',
		instructions: encodeInstructions(instructions, types.littleEndian),
		types,
		references: [],
		externs: [],
		coreRelocations,
	};
}

/** Relocates one instruction, at slot 0. */
export function relocateOne(
	local: Local,
	asked: Asked,
	target: Btf,
	instruction: Instruction,
): Relocated {
	const program = programOf(local, [instruction], [recordOf(local, asked)]);
	return relocateProgram(program, candidatesIn(target));
}

/** The value that a 16-byte load gets, or why it gets none. */
export function answerTo(local: Local, asked: Asked, target: Btf): bigint | string {
	const record = recordOf(local, asked);
	const access = readAccess(local.types, record);
	if (typeof access === 'string') throw new Error(access);
	const own = valueOf(access.kind, {types: local.types, ...access});
	if (typeof own === 'string') throw new Error(own);
	const {instructions, failures} = relocateOne(
		local,
		asked,
		target,
		loadNumber('r1', BigInt.asUintN(64, own.value)),
	);
	const [failure] = failures;
	if (failure !== undefined) return failure.reason.replace(/^.* failed: /, '');
	const loaded = decodeInstruction(instructions, 0, local.types.littleEndian);
	return BigInt.asIntN(64, wideImmediate(loaded));
}

export function enumOf(
	types: Types,
	name: string,
	values: Readonly<Record<string, number>>,
): number {
	const list = Object.entries(values).map(([name, value]) => ({name, value}));
	const signed = list.some(({value}) => value < 0);
	return types.add({kind: 'enum', name, size: 4, signed, values: list});
}

export function enum64Of(
	types: Types,
	name: string,
	values: Readonly<Record<string, bigint>>,
): number {
	const list = Object.entries(values).map(([name, value]) => ({name, value}));
	return types.add({kind: 'enum64', name, size: 8, signed: false, values: list});
}

export const ptr = (types: Types, typeId = 0): number => types.add({kind: 'ptr', name: '', typeId});
export const declared = (types: Types, name: string): number =>
	types.add({kind: 'fwd', name, forwardKind: 'struct'});
