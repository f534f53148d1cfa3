import {closeSync, constants as fsConstants, openSync} from 'node:fs';
import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {attachTypeNumber, type AttachType} from '../../uapi/attach-types.js';
import type {Program} from '../program/program.js';
import {createLink} from './attach.js';
import {place, type Anchor} from './attach-tcx.js';
import type {Link} from './link.js';
import {LinkError} from './link-error.js';

const {EBADF, EINVAL, EPERM} = constants.errno;

export interface AttachCgroupOptions {
	/** The program's own attach type unless given. */
	readonly attachType?: AttachType;
	/** Where among the cgroup's own programs; the end unless given. *Kernel:* 6.17. */
	readonly anchor?: Anchor;
}

/**
 * Attaches a program (cgroup_skb, cgroup_sock, cgroup_sock_addr, sock_ops, …) to the cgroup v2
 * directory `path`; it then acts on the processes in it and below.
 *
 * *Kernel:* 5.7. *Throws:* `ERR_LINK`: `EPERM` when a cgroup above or below holds a program that
 * tolerates no other.
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

	const hook = `${attachType} of "${path}"`;
	const action = `attach program "${program.name}" to ${hook}`;
	const cgroup = openCgroup(action, path);
	try {
		return createLink(program, {
			action,
			hook,
			feature: 'cgroup links',
			since: '5.7',
			attr: {
				target: cgroup,
				attachType: attachTypeNumber(attachType),
				flags: 0,
				...(options.anchor === undefined ? {} : place(options.anchor)),
			},
			explain(errno) {
				switch (errno) {
					case EBADF:
						return 'it is not a directory of a cgroup v2 hierarchy';
					case EINVAL:
						return `the kernel runs no program of type ${program.type} there`;
					case EPERM:
						return 'another program holds this hook of the cgroup, or of one above, for itself alone';
					default:
						return undefined;
				}
			},
		});
	} finally {
		closeSync(cgroup);
	}
}

/** A descriptor of a cgroup's directory, for the caller to close. *Throws:* `ERR_LINK`. */
export function openCgroup(action: string, path: string): number {
	try {
		return openSync(path, fsConstants.O_RDONLY | fsConstants.O_DIRECTORY);
	} catch (cause) {
		throw new LinkError(action, `no cgroup at "${path}"`, {cause});
	}
}
