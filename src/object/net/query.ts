import {closeSync} from 'node:fs';
import {constants} from 'node:os';

import {programQuery} from '../../kernel/sys/program.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {attachTypeNumber, type AttachType} from '../../uapi/attach-types.js';
import {noCgroup, openCgroup} from '../link/attach-cgroup.js';
import {LinkError} from '../link/link-error.js';
import {withInterface, type NamespaceOptions} from '../link/target.js';

const {EBADF} = constants.errno;

/** A program on a hook, in the order it runs. */
export interface HookProgram {
	readonly programId: number;
	/** Undefined when no link holds it, or the kernel does not tell. */
	readonly linkId?: number;
}

/** What is attached to a hook, in the order in which it runs. */
export interface HookState {
	readonly programs: readonly HookProgram[];
	/** Counts changes of a tcx hook; 0n elsewhere. */
	readonly revision: bigint;
}

/** Asks for the programs of a hook by the number of its target. *Throws:* `ERR_LINK`. */
export function queryHook(
	action: string,
	target: number,
	attachType: AttachType,
	options: {flags?: number; netns?: number | undefined; links?: boolean},
): HookState {
	try {
		const result = programQuery(target, attachTypeNumber(attachType), options);
		return {
			programs: result.programIds.map((programId, i) => {
				const linkId = result.linkIds[i] ?? 0;
				return linkId === 0 ? {programId} : {programId, linkId};
			}),
			revision: result.revision,
		};
	} catch (cause) {
		if (!(cause instanceof SyscallError)) throw cause;
		const detail = cause.errno === EBADF ? noCgroup : cause.message;
		throw new LinkError(action, detail, {cause, errno: cause.errno});
	}
}

/** Programs on an interface's tcx hook. *Kernel:* 6.6. *Throws:* `ERR_LINK`. */
export function queryTcx(
	interfaceOrIndex: string | number,
	direction: 'ingress' | 'egress',
	options: NamespaceOptions = {},
): HookState {
	const action = `query tcx ${direction} of "${interfaceOrIndex}"`;
	return withInterface(action, interfaceOrIndex, options, ({ifindex, netns}) =>
		queryHook(action, ifindex, `tcx_${direction}`, {links: true, netns}),
	);
}

export interface QueryCgroupOptions {
	/** With those that cgroups above contribute. */
	readonly effective?: boolean;
}

/** Programs on a hook of a cgroup v2 directory. *Kernel:* 4.15. *Throws:* `ERR_LINK`. */
export function queryCgroup(
	path: string,
	attachType: AttachType,
	options: QueryCgroupOptions = {},
): HookState {
	const action = `query ${attachType} of "${path}"`;
	const cgroup = openCgroup(action, path);
	try {
		return queryHook(action, cgroup, attachType, {flags: options.effective === true ? 1 : 0});
	} finally {
		closeSync(cgroup);
	}
}
