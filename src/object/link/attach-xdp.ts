import {constants} from 'node:os';

import {attachTypeNumber} from '../../uapi/attach-types.js';
import {xdpFlags} from '../../uapi/flags.js';
import type {Program} from '../program/program.js';
import {createLink, requireType} from './attach.js';
import {describeOwner} from './owner.js';
import type {Link} from './link.js';
import {withInterface, type NamespaceOptions} from './target.js';

const {EBUSY, EEXIST, EINVAL, EOPNOTSUPP, ENODEV} = constants.errno;

/** Where XDP runs: in the driver, after the packet became an skb, or on the card itself. */
export type XdpMode = 'native' | 'generic' | 'offload';

export interface AttachXdpOptions extends NamespaceOptions {
	/** `native` unless given; it never falls back to `generic`, which is slower, unasked. */
	readonly mode?: XdpMode;
}

const modeFlags = {
	native: xdpFlags.drv_mode,
	generic: xdpFlags.skb_mode,
	offload: xdpFlags.hw_mode,
} as const;

/**
 * Attaches an XDP program to an interface, by name or number.
 *
 * *Kernel:* 5.9. *Throws:* `ERR_LINK`: `EBUSY` when the interface has an XDP program already,
 * `EOPNOTSUPP` when its driver has no native XDP.
 */
export function attachXdp(
	program: Program,
	interfaceOrIndex: string | number,
	options: AttachXdpOptions = {},
): Link {
	const {mode = 'native'} = options;
	const action = `attach program "${program.name}" to xdp of "${interfaceOrIndex}"`;
	requireType(action, program, 'xdp');
	return withInterface(action, interfaceOrIndex, options, ({ifindex, name, netns}) =>
		createLink(program, {
			action,
			hook: `xdp of "${name}"`,
			feature: 'xdp links',
			since: '5.9',
			attr: {
				target: ifindex,
				attachType: attachTypeNumber('xdp'),
				flags: modeFlags[mode],
				netns,
			},
			explain(errno) {
				switch (errno) {
					case EBUSY:
					case EEXIST:
						return `the interface has an XDP program already${describeOwner('xdp', ifindex)}`;
					case EOPNOTSUPP:
						return `the driver of "${name}" has no ${mode} XDP`;
					case ENODEV:
						return 'the interface is gone';
					case EINVAL:
						return `the driver of "${name}" refuses ${mode} XDP as it is set up now (MTU, LRO, queues)`;
					default:
						return undefined;
				}
			},
		}),
	);
}
