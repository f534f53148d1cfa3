/** What the running kernel says of a struct whose functions are programs. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import type {Btf} from '../../format/btf/btf.js';
import type {BtfComposite, BtfMember} from '../../format/btf/types.js';
import {kernelBtf} from '../../kernel/host/kernel-btf.js';
import type {MapSpec, StructOpsSpec} from '../../spec/types.js';
import {MapError} from './map-error.js';

export interface KernelStructOps {
	readonly types: Btf;
	readonly struct: BtfComposite;
	/** The value of the map: a header of the kernel's, then the struct. */
	readonly value: BtfComposite;
	/** Bytes from the start of the value to the struct. */
	readonly offset: number;
}

/** Undefined where the kernel has no such struct, or lets no programs be its functions. */
export function findStructOps(name: string, types: Btf = kernelBtf()): KernelStructOps | undefined {
	const value = types.find(`bpf_struct_ops_${name}`, 'struct');
	const data = value?.members.find(member => member.name === 'data');
	const struct = data === undefined ? undefined : types.resolve(data.typeId);
	if (value === undefined || data === undefined || struct?.kind !== 'struct') return undefined;
	return {types, struct, value, offset: data.bitOffset / 8};
}

/** *Throws:* `ERR_MAP` where the kernel has none. */
export function kernelStructOps(
	map: string,
	{struct}: StructOpsSpec,
	types?: Btf,
): KernelStructOps {
	const found = findStructOps(struct, types);
	if (found !== undefined) return found;
	throw new MapError('create', map, `this kernel lets no programs be functions of ${struct}`);
}

/**
 * The map's value in the kernel's own layout, member by member by their names: those that this
 * kernel does not have may only be 0. `fdOf` gives programs; one that was left out stays NULL.
 *
 * *Throws:* `ERR_MAP` for a member that this kernel has not, or of another size.
 */
export function structOpsValue(
	spec: MapSpec,
	fdOf: (program: string) => number | undefined,
	types?: Btf,
): Uint8Array {
	const {structOps: ops, types: local, name} = spec;
	if (ops === undefined || local === undefined) {
		throw new MapError('fill', name, 'it is no struct_ops map of an object');
	}

	const kernel = kernelStructOps(name, ops, types);
	const refuse = (member: string, detail: string): MapError =>
		new MapError('fill', name, `${ops.struct}.${member} ${detail}`);
	const value = new Uint8Array(kernel.value.size);
	const mine = local.resolve(ops.typeId);
	for (const member of mine.kind === 'struct' ? mine.members : []) {
		const program = ops.functions.get(member.name);
		const size = member.bitfieldSize > 0 ? 0 : local.sizeOf(member.typeId);
		const at = member.bitOffset / 8;
		const bytes = ops.contents.subarray(at, at + size);
		const isEmpty = program === undefined && bytes.every(byte => byte === 0);
		if (isEmpty) continue;
		const theirs = kernel.struct.members.find(({name}) => name === member.name);
		if (theirs === undefined) throw refuse(member.name, 'is not there in this kernel');
		const place = placeOf(kernel, theirs, value);
		if (place.length !== size) {
			throw refuse(member.name, `has ${size} bytes, ${place.length} in this kernel`);
		}

		if (program === undefined) {
			if (local.resolve(member.typeId).kind === 'ptr') {
				throw refuse(member.name, 'is a pointer, and no program');
			}

			place.set(bytes);
			continue;
		}

		const fd = fdOf(program);
		if (fd !== undefined) viewOf(place).setBigUint64(0, BigInt(fd), hostLittleEndian);
	}

	return value;
}

function placeOf(
	{types, offset}: KernelStructOps,
	member: BtfMember,
	value: Uint8Array,
): Uint8Array {
	const start = offset + member.bitOffset / 8;
	return value.subarray(start, start + types.sizeOf(member.typeId));
}
