import {kernelBtf} from '../../kernel/host/kernel-btf.js';
import type {ProgramSpec} from '../../spec/types.js';
import type {BtfKind} from '../../format/btf/types.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {programInfo} from '../../kernel/sys/info.js';
import {moduleTypes} from '../btf/module-types.js';
import {openBtfById} from '../btf/open-btf.js';
import {ProgramError, ProgramTargetError} from './program-error.js';

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

/** A function of a program in the kernel, to be replaced or traced. */
export interface AttachTo {
	readonly program: {readonly fd: number};
	/** Its name in C; the one that the section names unless given. */
	readonly function?: string;
}

/** What a program will be attached to, as the kernel is told at load. */
export interface AttachTarget {
	/** 0 where its type is not verified against one. */
	readonly btfId: number;
	/** The program or the module's types that the id belongs to. */
	readonly fd?: number;
	close(): void;
}

const kept = (): void => undefined;

/**
 * Finds what the program will be attached to: a function of `to`, else of the kernel, else of one
 * of its modules.
 *
 * *Throws:* `ERR_PROGRAM`, `ERR_PROGRAM_TARGET` when there is no such target.
 */
export function attachTarget(spec: ProgramSpec, to?: AttachTo): AttachTarget {
	const name = to?.function ?? spec.attachTarget ?? '';
	if (to !== undefined) {
		const action = `load program "${spec.name}"`;
		const {fd} = to.program;
		return {btfId: functionTypeId(action, fd, name), fd, close: kept};
	}

	if (spec.type === 'ext') {
		const detail =
			'it replaces a function of another program, which must be given (option attachTo)';
		throw new ProgramError('load', spec.name, detail);
	}

	const naming = targetNaming(spec);
	if (naming === undefined) return {btfId: 0, close: kept};
	if (name === '') {
		throw new ProgramError('load', spec.name, `section "${spec.section}" names no target`);
	}

	const {prefix, kind} = naming;
	const type = kernelBtf().find(prefix + name, kind);
	if (type !== undefined) return {btfId: type.id, close: kept};
	const inModule = findInModules(prefix + name, kind);
	if (inModule !== undefined) return inModule;
	throw new ProgramError(
		'load',
		spec.name,
		`the kernel has no ${kind} "${prefix}${name}" to attach to`,
	);
}

function findInModules(name: string, kind: BtfKind): AttachTarget | undefined {
	try {
		for (const {btf, fd} of moduleTypes()) {
			const type = btf.find(name, kind);
			if (type === undefined) {
				fd.close();
				continue;
			}

			const close = (): void => {
				fd.close();
			};
			return {btfId: type.id, fd: fd.number, close};
		}
	} catch (error) {
		// Without privilege no module can be looked at.
		if (!(error instanceof SyscallError)) throw error;
	}

	return undefined;
}

/**
 * The type id of a program's function in the program's own types.
 *
 * *Throws:* `ERR_PROGRAM_TARGET` when the program has no types, or no such function.
 */
export function functionTypeId(action: string, programFd: number, name: string): number {
	const {btfId, name: programName} = programInfo(programFd);
	const of = `program "${programName}"`;
	if (btfId === 0) throw new ProgramTargetError(`${action}: ${of} was loaded without types`);
	const type = openBtfById(btfId).find(name, 'func');
	if (type !== undefined) return type.id;
	throw new ProgramTargetError(`${action}: ${of} has no function "${name}"`);
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
