/** The program behind `consistency: 'fast'`: it walks a map and copies its elements into another. */

import {alignUp, hostLittleEndian} from '../../base/bytes.js';
import {assemble} from '../../format/asm/assemble.js';
import {
	add,
	call,
	exit,
	jumpIf,
	load,
	loadFunction,
	loadMapFd,
	mov,
	store,
	type Unresolved,
	type WholeRegister,
} from '../../format/asm/build.js';
import {slotCount, type Instruction} from '../../format/asm/instruction.js';
import {Btf} from '../../format/btf/btf.js';
import {BtfBuilder} from '../../format/btf/builder.js';
import type {ProgramSpec} from '../../spec/types.js';
import {programFlags} from '../../uapi/flags.js';

/** What is copied, and where to. */
export interface FastLayout {
	readonly keySize: number;
	/** Of one CPU's value. */
	readonly valueSize: number;
	/** CPUs whose values are copied; undefined where a map has one value for all. */
	readonly cpus: readonly number[] | undefined;
}

/** Bytes of an element in the output: key and values, each at a multiple of 8. */
export function recordSize({keySize, valueSize, cpus}: FastLayout): number {
	return alignUp(keySize, 8) + alignUp(valueSize, 8) * (cpus?.length ?? 1);
}

/**
 * What the program is given and gives back, as u64: elements to pass over; elements copied; elements
 * seen; 1 when the output became full.
 */
export const fastContext = {size: 32, skip: 0, copied: 8, seen: 16, full: 24} as const;

/** The same on the stack of the main function. */
const state = {full: -32, skip: -24, copied: -16, seen: -8} as const;
const stateBase = state.full;
const inState = (field: keyof typeof state): number => state[field] - stateBase;

// Longer values are copied by a call.
const longestInline = 512;

type Item = Instruction | Unresolved | string;

/**
 * The program for a map and an output map, by their descriptors. `filter` jumps to the label `next`
 * for elements that are not wanted.
 */
export function fastProgram(
	layout: FastLayout,
	fds: {readonly map: number; readonly output: number},
	filter: readonly Item[],
): ProgramSpec {
	const main = mainFunction(fds.map);
	const program = [...main, 'callback', ...callback(layout, fds, filter)];
	const slots = main.reduce(
		(sum, each) => sum + (typeof each === 'string' ? 0 : slotCount(each)),
		0,
	);
	const {types, mainId, callbackId} = functionTypes();
	return {
		kind: 'program',
		name: 'skep_fast',
		section: 'syscall',
		type: 'syscall',
		attachType: undefined,
		attachTarget: undefined,
		flags: programFlags.sleepable,
		autoload: true,
		license: 'Dual BSD/GPL',
		byteOrder: hostLittleEndian ? 'little' : 'big',
		instructions: assemble(program),
		references: [],
		externs: [],
		functions: [
			{slot: 0, typeId: mainId},
			{slot: slots, typeId: callbackId},
		],
		lines: [],
		coreRelocations: [],
		types,
	};
}

function mainFunction(map: number): Item[] {
	const {full, skip, copied, seen} = state;
	return [
		mov('r6', 'r1'),
		load('r1', 'u64', 'r6', fastContext.skip),
		store('u64', 'r10', skip, 'r1'),
		mov('r1', 0),
		store('u64', 'r10', copied, 'r1'),
		store('u64', 'r10', seen, 'r1'),
		store('u64', 'r10', full, 'r1'),
		loadMapFd('r1', map),
		loadFunction('r2', 'callback'),
		mov('r3', 'r10'),
		add('r3', stateBase),
		mov('r4', 0),
		call('for_each_map_elem'),
		load('r1', 'u64', 'r10', copied),
		store('u64', 'r6', fastContext.copied, 'r1'),
		load('r1', 'u64', 'r10', seen),
		store('u64', 'r6', fastContext.seen, 'r1'),
		load('r1', 'u64', 'r10', full),
		store('u64', 'r6', fastContext.full, 'r1'),
		mov('r0', 0),
		exit(),
	];
}

/** r6: key, r7: value, r8: the state, r9: the place in the output. */
function callback(
	layout: FastLayout,
	fds: {readonly map: number; readonly output: number},
	filter: readonly Item[],
): Item[] {
	const {keySize, valueSize, cpus} = layout;
	return [
		mov('r6', 'r2'),
		mov('r7', 'r3'),
		mov('r8', 'r4'),
		load('r1', 'u64', 'r8', inState('seen')),
		load('r2', 'u64', 'r8', inState('skip')),
		jumpIf('r1', '<', 'r2', 'next'),
		...filter,
		load('r1', 'u64', 'r8', inState('copied')),
		store('u32', 'r10', -4, 'r1'),
		loadMapFd('r1', fds.output),
		mov('r2', 'r10'),
		add('r2', -4),
		call('map_lookup_elem'),
		jumpIf('r0', '!=', 0, 'room'),
		mov('r1', 1),
		store('u64', 'r8', inState('full'), 'r1'),
		// Ends the walk.
		mov('r0', 1),
		exit(),
		'room',
		mov('r9', 'r0'),
		...copy('r6', keySize),
		add('r9', alignUp(keySize, 8)),
		...(cpus === undefined
			? copy('r7', valueSize)
			: cpus.flatMap(cpu => [
					loadMapFd('r1', fds.map),
					mov('r2', 'r6'),
					mov('r3', cpu),
					call('map_lookup_percpu_elem'),
					// Deleted meanwhile.
					jumpIf('r0', '==', 0, 'next'),
					mov('r7', 'r0'),
					...copy('r7', valueSize),
					add('r9', alignUp(valueSize, 8)),
				])),
		load('r1', 'u64', 'r8', inState('copied')),
		add('r1', 1),
		store('u64', 'r8', inState('copied'), 'r1'),
		'next',
		load('r1', 'u64', 'r8', inState('seen')),
		add('r1', 1),
		store('u64', 'r8', inState('seen'), 'r1'),
		mov('r0', 0),
		exit(),
	];
}

/** Copies to where r9 stands. */
function copy(from: WholeRegister, size: number): Item[] {
	if (size > longestInline) {
		return [mov('r1', 'r9'), mov('r2', size), mov('r3', from), call('probe_read_kernel')];
	}

	const items: Item[] = [];
	for (let at = 0; at < size;) {
		const left = size - at;
		const step = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
		const unit = `u${step * 8}` as 'u8' | 'u16' | 'u32' | 'u64';
		items.push(load('r1', unit, from, at), store(unit, 'r9', at, 'r1'));
		at += step;
	}

	return items;
}

/** The kernel calls back only functions that BTF describes, and calls static. */
function functionTypes(): {types: Btf; mainId: number; callbackId: number} {
	const builder = new BtfBuilder();
	const typeId = builder.add({
		kind: 'int',
		name: 'long',
		size: 8,
		bits: 64,
		bitOffset: 0,
		signed: true,
		char: false,
		bool: false,
	});
	const prototype = (names: readonly string[]): number =>
		builder.add({
			kind: 'func_proto',
			name: '',
			returnTypeId: typeId,
			parameters: names.map(name => ({name, typeId})),
		});
	const mainId = builder.add({
		kind: 'func',
		name: 'walk',
		typeId: prototype(['context']),
		linkage: 'global',
	});
	const callbackId = builder.add({
		kind: 'func',
		name: 'visit',
		typeId: prototype(['map', 'key', 'value', 'state']),
		linkage: 'static',
	});
	return {types: Btf.parse(builder.build()), mainId, callbackId};
}
