import {kernelBtf} from '../../kernel/host/kernel-btf.js';
import type {ProgramSpec} from '../../spec/types.js';
import type {BtfKind} from '../../format/btf/types.js';
import {ProgramError} from './program-error.js';

interface Target {
	readonly prefix: string;
	readonly kind: BtfKind;
}

/** How the kernel's types name what such a program is attached to. */
function targetNaming(spec: ProgramSpec): Target | undefined {
	if (spec.type === 'lsm') return {prefix: 'bpf_lsm_', kind: 'func'};
	if (spec.type !== 'tracing') return undefined;
	switch (spec.attachType) {
		case 'trace_iter':
			return {prefix: 'bpf_iter_', kind: 'func'};
		case 'trace_raw_tp':
			return {prefix: 'btf_trace_', kind: 'typedef'};
		default:
			return {prefix: '', kind: 'func'};
	}
}

/**
 * The type id in the kernel's BTF of what the program will be attached to; 0 where its type is not
 * verified against one. *Throws:* `ERR_PROGRAM` when the kernel has no such target.
 */
export function attachBtfId(spec: ProgramSpec): number {
	const naming = targetNaming(spec);
	if (naming === undefined) return 0;
	const target = spec.attachTarget;
	if (target === undefined || target === '') {
		throw new ProgramError('load', spec.name, `section "${spec.section}" names no target`);
	}

	const type = kernelBtf().find(naming.prefix + target, naming.kind);
	if (type === undefined) {
		throw new ProgramError(
			'load',
			spec.name,
			`the kernel has no ${naming.kind} "${naming.prefix}${target}" to attach to`,
		);
	}

	return type.id;
}

/**
 * The struct in the kernel's BTF of which the program is a function, and the index of that function
 * among its members. *Throws:* `ERR_PROGRAM` when the object or the kernel has no such struct.
 */
export function structOpsTarget(spec: ProgramSpec): {typeId: number; member: number} {
	const {structOps, name} = spec;
	if (structOps === undefined) {
		throw new ProgramError('load', name, 'no struct of the object has it as a function');
	}

	const {struct, member} = structOps;
	const type = kernelBtf().find(struct, 'struct');
	const index = type?.members.findIndex(({name}) => name === member) ?? -1;
	if (type === undefined || index < 0) {
		throw new ProgramError('load', name, `the kernel has no ${struct}.${member}`);
	}

	return {typeId: type.id, member: index};
}
