import {constants} from 'node:os';

import {EbpfError} from '../../base/errors.js';
import {setXdp, xdpModeFlag, type XdpMode} from '../../kernel/netlink/device.js';
import {attachTypeNumber} from '../../uapi/attach-types.js';
import type {Program} from '../program/program.js';
import {createLink, requireType} from './attach.js';
import type {Link} from './link.js';
import {LinkError} from './link-error.js';
import {withInterface, type InterfaceTarget, type NamespaceOptions} from './target.js';
import {setXdpProgram, XdpNetlinkAttachment} from './xdp-netlink.js';
import {xdpDetail} from './xdp-refusal.js';

const {EBUSY, EEXIST, EINVAL, ENODEV, EPERM} = constants.errno;

/** How a program is attached to a device's XDP. */
export interface AttachXdpOptions extends NamespaceOptions {
	/** `native` unless given; it never falls back to `generic`, which is slower, unasked. */
	readonly mode?: XdpMode;
	/**
	 * By a link, and by rtnetlink where the kernel has no XDP links, unless given; the result's
	 * `mechanism` says which.
	 */
	readonly mechanism?: 'link' | 'netlink';
}

/**
 * Attaches an XDP program to an interface, by name or number.
 *
 * *Kernel:* 5.9; 4.12 by rtnetlink. *Throws:* `ERR_LINK`: `EBUSY` with `owner` when the interface
 * has an XDP program already, `EOPNOTSUPP` when its driver has no native XDP; what the kernel and
 * the driver say about it is in the message.
 */
export function attachXdp(
	program: Program,
	interfaceOrIndex: string | number,
	options: AttachXdpOptions = {},
): Link {
	const {mode = 'native', mechanism} = options;
	const action = `attach program "${program.name}" to xdp of "${interfaceOrIndex}"`;
	requireType(action, program, 'xdp');
	return withInterface(action, interfaceOrIndex, options, target => {
		if (mechanism === 'netlink') return attachByNetlink(action, program, target, mode);
		try {
			return attachByLink(action, program, target, mode);
		} catch (error) {
			return askNetlink(error, action, program, target, options);
		}
	});
}

function attachByLink(
	action: string,
	program: Program,
	target: InterfaceTarget,
	mode: XdpMode,
): Link {
	const {ifindex, name, netns} = target;
	return createLink(program, {
		action,
		hook: `xdp of "${name}"`,
		feature: 'xdp links',
		since: '5.9',
		attr: {
			target: ifindex,
			attachType: attachTypeNumber('xdp'),
			flags: xdpModeFlag(mode),
			netns,
		},
		explain: errno => xdpDetail({errno, explanation: '', target, mode}),
	});
}

function attachByNetlink(
	action: string,
	program: Program,
	target: InterfaceTarget,
	mode: XdpMode,
): Link {
	const {ifindex, netns} = target;
	setXdpProgram(action, target, mode, () => {
		setXdp({ifindex, mode, netns, programFd: program.fd, expected: 'nothing'});
	});
	return new XdpNetlinkAttachment(program, target, mode);
}

/**
 * After a refused link: rtnetlink works on kernels that have no XDP links, and on those that have
 * it says in words what the driver dislikes. *Throws:* the refusal.
 */
function askNetlink(
	refusal: unknown,
	action: string,
	program: Program,
	target: InterfaceTarget,
	{mode = 'native', mechanism}: AttachXdpOptions,
): Link {
	const errno = refusal instanceof EbpfError ? refusal.errno : undefined;
	if (errno === undefined || [EBUSY, EEXIST, ENODEV, EPERM].includes(errno)) throw refusal;
	let attached: Link;
	try {
		attached = attachByNetlink(action, program, target, mode);
	} catch (error) {
		const isExplained = error instanceof LinkError && error.errno !== EPERM;
		throw isExplained ? error : refusal;
	}

	// The kernel has no links, or the driver has changed its mind since.
	if (errno === EINVAL && mechanism === undefined) return attached;
	attached.close();
	throw refusal;
}
