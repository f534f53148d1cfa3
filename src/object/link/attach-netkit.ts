import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {attachTypeNumber} from '../../uapi/attach-types.js';
import type {Program} from '../program/program.js';
import {createLink, requireType} from './attach.js';
import {explainPlace, place, type Anchor} from './attach-tcx.js';
import type {Link} from './link.js';
import {withInterface, type NamespaceOptions} from './target.js';

const {EACCES, EINVAL} = constants.errno;

/** How a program is attached to a netkit device. */
export interface AttachNetkitOptions extends NamespaceOptions {
	/** The program's own attach type decides unless given. */
	readonly side?: 'primary' | 'peer';
	/** `last` unless given. */
	readonly anchor?: Anchor;
	/** Attach only while the hook still has this revision. */
	readonly expectedRevision?: bigint;
}

/**
 * Attaches a tc program to one side of a netkit pair, which is managed by its primary interface.
 *
 * *Kernel:* 6.7. *Throws:* `ERR_LINK`: `EINVAL` when the interface is not of type netkit, `EACCES`
 * when it is the peer.
 */
export function attachNetkit(
	program: Program,
	interfaceOrIndex: string | number,
	options: AttachNetkitOptions = {},
): Link {
	const side = options.side ?? sideOf(program);
	if (side === undefined) {
		throw new UsageError(
			`attach program "${program.name}" to netkit "${interfaceOrIndex}": its section does not say whether primary or peer; give a side`,
		);
	}

	const action = `attach program "${program.name}" to netkit ${side} of "${interfaceOrIndex}"`;
	requireType(action, program, 'sched_cls');
	return withInterface(action, interfaceOrIndex, options, ({ifindex, name, netns}) =>
		createLink(program, {
			action,
			hook: `netkit ${side} of "${name}"`,
			feature: 'netkit links',
			since: '6.7',
			attr: {
				target: ifindex,
				attachType: attachTypeNumber(`netkit_${side}`),
				netns,
				expectedRevision: options.expectedRevision,
				...place(options.anchor ?? 'last'),
			},
			explain(errno) {
				switch (errno) {
					case EACCES:
						return 'it is the peer of its pair; name the primary interface';
					case EINVAL:
						return 'the interface is not of type netkit, or the kernel has none (CONFIG_NETKIT)';
					default:
						return explainPlace(errno);
				}
			},
		}),
	);
}

function sideOf({attachType}: Program): 'primary' | 'peer' | undefined {
	if (attachType === 'netkit_primary') return 'primary';
	return attachType === 'netkit_peer' ? 'peer' : undefined;
}
