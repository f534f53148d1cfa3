import {closeSync, constants as fsConstants, openSync} from 'node:fs';
import {constants} from 'node:os';
import {dirname, resolve} from 'node:path';

import {EbpfError, UsageError} from '../../base/errors.js';
import {UnsupportedError} from '../../kernel/features/unsupported-error.js';
import {addon} from '../../kernel/sys/addon.js';
import {linkCreate} from '../../kernel/sys/link.js';
import {programQuery} from '../../kernel/sys/program.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {attachTypeNumber, type AttachType} from '../../uapi/attach-types.js';
import {attachFlags} from '../../uapi/flags.js';
import type {Program} from '../program/program.js';
import {createLink} from './attach.js';
import {place, type Anchor} from './attach-tcx.js';
import {attachCgroupProgram, type CgroupHook, type CgroupSharing} from './cgroup-attachment.js';
import type {Link} from './link.js';
import {LinkError} from './link-error.js';
import {describeOwner, findOwner, type Owner} from './owner.js';

const {EBADF, EINVAL, EPERM, ESTALE} = constants.errno;

/** How a program is attached to a cgroup. */
export interface AttachCgroupOptions {
	/** The program's own attach type unless given. */
	readonly attachType?: AttachType;
	/** Where among the cgroup's own programs; the end unless given. *Kernel:* 6.17. */
	readonly anchor?: Anchor;
	/** Attach only while the hook still has this revision (`queryCgroup`). *Kernel:* 6.17. */
	readonly expectedRevision?: bigint;
	/**
	 * By a link, and by `BPF_PROG_ATTACH` where the kernel has no links, unless given; the result's
	 * `mechanism` says which.
	 */
	readonly mechanism?: 'link' | 'prog_attach';
	/** By `prog_attach`; `multi`, as links are, unless given. */
	readonly sharing?: CgroupSharing;
}

/**
 * Attaches a program (cgroup_skb, cgroup_sock, cgroup_sock_addr, sock_ops, …) to the cgroup v2
 * directory `path`; it then acts on the processes in it and below.
 *
 * *Kernel:* 5.7; 4.10 by `prog_attach`. *Throws:* `ERR_LINK`: `EPERM` with `owner` when a cgroup
 * above or below holds a program that tolerates no other.
 */
export function attachCgroup(
	program: Program,
	path: string,
	options: AttachCgroupOptions = {},
): Link {
	const attachType = options.attachType ?? program.attachType;
	if (attachType === undefined) {
		throw new UsageError(
			`attach program "${program.name}" to cgroup "${path}": its section does not name the hook; give an attach type`,
		);
	}

	const {mechanism, sharing = 'multi'} = options;
	const action = `attach program "${program.name}" to ${attachType} of "${path}"`;
	if (sharing !== 'multi' && mechanism !== 'prog_attach') {
		throw new UsageError(
			`${action}: links are shared; '${sharing}' needs mechanism 'prog_attach'`,
		);
	}

	const fd = openCgroup(action, path);
	try {
		const hook = {fd, path, attachType, sharing};
		if (mechanism === 'prog_attach') return attachByCommand(action, program, hook, options);
		try {
			return attachLink(action, program, hook, options);
		} catch (error) {
			if (mechanism === 'link' || !isWithoutLinks(error, hook)) throw error;
			return attachByCommand(action, program, hook, options);
		}
	} finally {
		closeSync(fd);
	}
}

function attachLink(
	action: string,
	program: Program,
	hook: CgroupHook,
	{anchor, expectedRevision}: AttachCgroupOptions,
): Link {
	return createLink(program, {
		action,
		hook: `${hook.attachType} of "${hook.path}"`,
		feature: 'cgroup links',
		since: '5.7',
		attr: {
			target: hook.fd,
			attachType: attachTypeNumber(hook.attachType),
			flags: 0,
			expectedRevision,
			...(anchor === undefined ? {} : place(anchor)),
		},
		explain: errno => explain(errno, program, hook),
	});
}

function explain(errno: number, program: Program, hook: CgroupHook) {
	switch (errno) {
		case EBADF:
			return noCgroup;
		case EINVAL:
			return `the kernel runs no program of type ${program.type} there`;
		case ESTALE:
			return 'the hook was changed since its revision was read';
		case EPERM: {
			const words =
				'another program holds this hook of the cgroup, or of one above or below, for itself alone';
			const owner = holderAbove(hook);
			if (owner === undefined) return words;
			return {detail: `${words}: ${describeOwner(owner)}`, owner};
		}

		default:
			return undefined;
	}
}

/** The nearest program on the cgroup or one above that does not let others run beside it. */
function holderAbove({path, attachType}: CgroupHook): Owner | undefined {
	for (let at = resolve(path); ; at = dirname(at)) {
		let fd;
		try {
			fd = openCgroup('', at);
			const {attachFlags: flags, programIds} = programQuery(fd, attachTypeNumber(attachType));
			const [id] = programIds;
			if (id !== undefined && (flags & attachFlags.allow_multi) === 0) return findOwner(id);
		} catch (error) {
			// Above the root of the hierarchy there are no cgroups.
			if (error instanceof EbpfError) return undefined;
			throw error;
		} finally {
			if (fd !== undefined) closeSync(fd);
		}
	}
}

function attachByCommand(
	action: string,
	program: Program,
	hook: CgroupHook,
	{anchor, expectedRevision}: AttachCgroupOptions,
): Link {
	if (anchor !== undefined || expectedRevision !== undefined) {
		const feature = 'a place among the programs of a cgroup';
		throw new UnsupportedError(action, feature, '6.17', {errno: EINVAL});
	}

	try {
		return attachCgroupProgram(action, program, hook);
	} catch (error) {
		if (!(error instanceof LinkError) || error.errno !== EPERM) throw error;
		const words = explain(EPERM, program, hook);
		const {detail, owner} =
			typeof words === 'object' ? words : {detail: words, owner: undefined};
		throw new LinkError(action, detail ?? error.message, {cause: error, errno: EPERM, owner});
	}
}

/** Was it refused because the kernel makes no links? Then it does not look at the program either. */
function isWithoutLinks(refusal: unknown, {fd, attachType}: CgroupHook): boolean {
	if (!(refusal instanceof EbpfError) || refusal.errno !== EINVAL) return false;
	try {
		const noProgram = 2 ** 31 - 1;
		const attr = {target: fd, attachType: attachTypeNumber(attachType), flags: 0};
		addon.closeFd(linkCreate({...attr, programFd: noProgram}));
		return false;
	} catch (error) {
		return error instanceof SyscallError && error.errno === EINVAL;
	}
}

/** What EBADF says of a directory. */
export const noCgroup = 'it is not a directory of a cgroup v2 hierarchy';

/** A descriptor of a cgroup's directory, for the caller to close. *Throws:* `ERR_LINK`. */
export function openCgroup(action: string, path: string): number {
	try {
		return openSync(path, fsConstants.O_RDONLY | fsConstants.O_DIRECTORY);
	} catch (cause) {
		throw new LinkError(action, `no cgroup at "${path}"`, {cause});
	}
}
