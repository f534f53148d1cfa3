import {constants} from 'node:os';

import {UnsupportedError} from '../../kernel/features/unsupported-error.js';
import {kernelAtLeast} from '../../kernel/host/kernel-version.js';
import {addon} from '../../kernel/sys/addon.js';
import {Fd} from '../../kernel/sys/fd.js';
import {linkInfo, type LinkInfo} from '../../kernel/sys/link-info.js';
import {linkDetach, linkUpdate} from '../../kernel/sys/link.js';
import {objectFdById} from '../../kernel/sys/object.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {KernelObject} from '../pin/kernel-object.js';
import {openPin} from '../pin/pin.js';
import {PinError} from '../pin/pin-error.js';
import type {Program} from '../program/program.js';
import {LinkError} from './link-error.js';

const {EBUSY, EINVAL, ENOLINK, ENOENT, EOPNOTSUPP, EPERM} = constants.errno;

/**
 * How a program is attached: by a link, or by what kernels had before: rtnetlink (XDP), a filter of
 * clsact (tc), `BPF_PROG_ATTACH` (cgroups, maps of sockets), the perf event itself (probes); sockets
 * never got links: `setsockopt`.
 */
export type Mechanism = 'link' | 'netlink' | 'clsact' | 'prog_attach' | 'perf_event' | 'setsockopt';

/**
 * One program on one hook. The program stays attached until the last descriptor and pin of the link
 * are gone: `close()` detaches, unless the link is pinned or open elsewhere.
 */
export class Link extends KernelObject {
	/** How the program was attached; what is no `link` can neither be pinned nor has it an id. */
	readonly mechanism: Mechanism = 'link';
	protected readonly hook: string;

	/** Use an `attach…` function, `openPinnedLink` or `openLinkById`. Takes over `fd`. */
	constructor(fd: number | undefined, hook: string) {
		const what = `link of ${hook}`;
		super(fd === undefined ? undefined : new Fd(fd, what), what);
		this.hook = hook;
	}

	/**
	 * What the kernel says now; id 0 and type `unspec` where no link holds the program.
	 *
	 * *Throws:* `ERR_SYSCALL`. *Kernel:* 5.8.
	 */
	info(): LinkInfo {
		return linkInfo(this.fd);
	}

	/**
	 * Replaces the program atomically: every packet meets the old or the new one.
	 *
	 * With `expected`, only when that program is attached now. *Throws:* `ERR_LINK`: `EPERM` when
	 * another program than `expected` is attached, `EINVAL` when the attach types differ.
	 * *Kernel:* 5.7.
	 */
	update(program: Program, options: {readonly expected?: Program} = {}): void {
		const action = `update link of ${this.hook} to program "${program.name}"`;
		try {
			linkUpdate(this.fd, program.fd, options.expected?.fd);
		} catch (cause) {
			if (!(cause instanceof SyscallError)) throw cause;
			throw new LinkError(action, updateDetail(cause, program), {cause, errno: cause.errno});
		}
	}

	/** Detaches at once, also when the link is pinned. *Throws:* `ERR_LINK`. *Kernel:* 5.9. */
	detach(): void {
		try {
			linkDetach(this.fd);
		} catch (cause) {
			if (!(cause instanceof SyscallError)) throw cause;
			const action = `detach link of ${this.hook}`;
			if (cause.errno === EINVAL && !kernelAtLeast('5.9')) {
				throw new UnsupportedError(action, 'detaching a link', '5.9', {cause});
			}

			const detail =
				cause.errno === EOPNOTSUPP ? 'links of this type end only by close' : cause.message;
			throw new LinkError(action, detail, {cause, errno: cause.errno});
		}
	}
}

function updateDetail({errno, message}: SyscallError, program: Program): string {
	switch (errno) {
		case EINVAL:
			return `its type or expected attach type differs from that of the program attached now: it is of type ${program.type} for ${program.attachType ?? 'no attach type in particular'}`;
		case EPERM:
			return 'another program than the expected one is attached';
		case ENOLINK:
			return 'the hook is gone';
		case EBUSY:
			return 'the hook is being changed';
		default:
			return message;
	}
}

/** Opens the link pinned at `path`. *Throws:* `ERR_PIN`. *Kernel:* 5.7. */
export function openPinnedLink(path: string): Link {
	const fd = openPin(path);
	if (addon.fdKind(fd) !== 'link') {
		addon.closeFd(fd);
		throw new PinError('open link', path, 'what is pinned there is not a link');
	}

	return new Link(fd, `"${path}"`);
}

/** Opens the link that the kernel numbers `id`. *Throws:* `ERR_LINK`. *Kernel:* 5.8. */
export function openLinkById(id: number): Link {
	try {
		return new Link(objectFdById('link', id), `id ${id}`);
	} catch (cause) {
		if (!(cause instanceof SyscallError)) throw cause;
		const detail = cause.errno === ENOENT ? 'there is no link with this id' : cause.message;
		throw new LinkError(`open link ${id}`, detail, {cause, errno: cause.errno});
	}
}
