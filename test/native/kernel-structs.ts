/** The layouts of the kernel's own structs, from its BTF. */

import {readFileSync} from 'node:fs';
import {Btf} from '../../src/format/btf/btf.js';

/** Where a struct or union has what: members of unnamed members are its own. */
export interface Member {
	readonly name: string;
	readonly offset: number;
	readonly size: number;
	readonly typeId: number;
}

export const kernelTypes = Btf.parse(readFileSync('/sys/kernel/btf/vmlinux'));

export function membersOf(typeId: number, base = 0): Member[] {
	const type = kernelTypes.resolve(typeId);
	if (type.kind !== 'struct' && type.kind !== 'union') return [];
	return type.members.flatMap((member): Member[] => {
		const offset = base + member.bitOffset / 8;
		if (member.name === '') return membersOf(member.typeId, offset);
		const {name, typeId} = member;
		return [{name, typeId, offset, size: kernelTypes.sizeOf(typeId)}];
	});
}

export function structNamed(name: string, kind: 'struct' | 'union' = 'struct'): Member[] {
	const type = kernelTypes.find(name, kind);
	if (type === undefined) throw new Error(`kernel types: no ${kind} ${name}`);
	return membersOf(type.id);
}

const attrMembers = structNamed('bpf_attr', 'union');

/** The members of a named part of bpf_attr, or of its unnamed part that has `first` at its start. */
export function partOf({part, first}: {part?: string; first?: string}): Member[] {
	if (part !== undefined) {
		const member = attrMembers.find(({name}) => name === part);
		if (member === undefined) throw new Error(`bpf_attr: no ${part}`);
		return membersOf(member.typeId);
	}

	const union = kernelTypes.find('bpf_attr', 'union');
	if (union?.kind !== 'union') throw new Error('no bpf_attr');
	for (const member of union.members) {
		const members = member.name === '' ? membersOf(member.typeId) : [];
		if (members[0]?.name === first) return members;
	}

	throw new Error(`bpf_attr: nothing starts with ${first}`);
}

/** What a struct has at an offset, with its size: `key:8`. */
export function at(members: readonly Member[], offset: number): string {
	return members
		.filter(member => member.offset === offset)
		.map(({name, size}) => `${name}:${size}`)
		.join(' ');
}
