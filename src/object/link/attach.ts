import {constants} from 'node:os';

import {UnsupportedError} from '../../kernel/features/unsupported-error.js';
import {kernelAtLeast} from '../../kernel/host/kernel-version.js';
import {explainPermission, type Capability} from '../../kernel/host/permission.js';
import {linkCreate, type LinkCreateAttr} from '../../kernel/sys/link.js';
import {refusedEntry} from '../../kernel/sys/namespace.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import type {Program} from '../program/program.js';
import {Link} from './link.js';
import {LinkError} from './link-error.js';
import type {Owner} from './owner.js';

const {EINVAL, EOPNOTSUPP, EPERM} = constants.errno;

/** What an attach function knows that the common part does not. */
export interface AttachRequest {
	/** `attach program "drop" to xdp of "veth0"`. */
	readonly action: string;
	/** The hook, as the link will call it: `xdp of "veth0"`. */
	readonly hook: string;
	/** The kind of link and its first kernel. */
	readonly feature: string;
	readonly since: string;
	readonly attr: Omit<LinkCreateAttr, 'programFd'>;
	/** What it takes; bpf and net_admin unless given. */
	readonly capabilities?: readonly Capability[];
	/** Says why the kernel refused, where this kind of hook has its own reasons. */
	readonly explain?: (errno: number) => Explanation;
}

/** A refusal in words, and who holds the hook where that is why. */
export type Explanation =
	string | undefined | {readonly detail: string | undefined; readonly owner?: Owner};

/** *Throws:* `ERR_LINK`, `ERR_UNSUPPORTED`. */
export function createLink(program: Program, request: AttachRequest): Link;
export function createLink<T extends Link>(
	program: Program,
	request: AttachRequest,
	make: (fd: number, hook: string) => T,
): T;
export function createLink(
	program: Program,
	request: AttachRequest,
	make = (fd: number, hook: string) => new Link(fd, hook),
): Link {
	const {action, hook, feature, since, attr, explain} = request;
	const {capabilities = ['bpf', 'net_admin']} = request;
	try {
		return make(linkCreate({...attr, programFd: program.fd}), hook);
	} catch (cause) {
		if (!(cause instanceof SyscallError)) throw cause;
		const {errno} = cause;
		if ((errno === EINVAL || errno === EOPNOTSUPP) && !kernelAtLeast(since)) {
			throw new UnsupportedError(action, feature, since, {cause, errno});
		}

		const permission = errno === EPERM ? deniedBy(attr.netns, capabilities) : undefined;
		const words = explain?.(errno);
		const {detail, owner} =
			typeof words === 'object' ? words : {detail: words, owner: undefined};
		throw new LinkError(action, detail ?? permission ?? cause.message, {cause, errno, owner});
	}
}

function deniedBy(netns: number | undefined, needed: readonly Capability[]): string {
	const entry = netns === undefined ? undefined : refusedEntry(netns);
	return entry?.message ?? explainPermission(...needed);
}

/** *Throws:* `ERR_LINK` when the program is of none of the types that the hook runs. */
export function requireType(action: string, program: Program, ...types: string[]): void {
	if (types.includes(program.type)) return;
	throw new LinkError(action, `it is of type ${program.type}, the hook runs ${types.join(', ')}`);
}
