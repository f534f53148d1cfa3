import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {attachTypeNumber, type AttachType} from '../../uapi/attach-types.js';
import {attachFlags} from '../../uapi/flags.js';
import {Program} from '../program/program.js';
import {createLink, requireType} from './attach.js';
import type {Link} from './link.js';
import {withInterface, type NamespaceOptions} from './target.js';

const {EEXIST, ENOENT, ERANGE, ESTALE} = constants.errno;

/** A neighbour on the hook: an object of this process, or the id of a program. */
export type Neighbour = Program | Link | number;

/** Where among the programs of a hook. */
export type Anchor = 'first' | 'last' | {readonly before: Neighbour} | {readonly after: Neighbour};

export interface AttachTcxOptions extends NamespaceOptions {
	/** The program's own attach type decides unless given. */
	readonly direction?: 'ingress' | 'egress';
	/** `last` unless given. */
	readonly anchor?: Anchor;
	/** Attach only while the hook still has this revision (`queryTcx`). */
	readonly expectedRevision?: bigint;
}

/**
 * Attaches a tc program to an interface's tcx hook, in a place of its choice among the others.
 *
 * *Kernel:* 6.6. *Throws:* `ERR_LINK`: `EEXIST` when the program is there already, `ENOENT` when
 * the neighbour is not, `ESTALE` when the revision is another.
 */
export function attachTcx(
	program: Program,
	interfaceOrIndex: string | number,
	options: AttachTcxOptions = {},
): Link {
	const direction = options.direction ?? directionOf(program.attachType);
	if (direction === undefined) {
		throw new UsageError(
			`attach program "${program.name}" to tcx of "${interfaceOrIndex}": its section does not say whether ingress or egress; give a direction`,
		);
	}

	const hook = `tcx ${direction} of "${interfaceOrIndex}"`;
	const action = `attach program "${program.name}" to ${hook}`;
	requireType(action, program, 'sched_cls');
	return withInterface(action, interfaceOrIndex, options, ({ifindex, netns}) =>
		createLink(program, {
			action,
			hook,
			feature: 'tcx links',
			since: '6.6',
			attr: {
				target: ifindex,
				attachType: attachTypeNumber(`tcx_${direction}`),
				netns,
				expectedRevision: options.expectedRevision,
				...place(options.anchor ?? 'last'),
			},
			explain(errno) {
				switch (errno) {
					case EEXIST:
						return 'the program is attached there already';
					case ENOENT:
						return 'the program or link to stand beside is not on this hook';
					case ERANGE:
						return 'the hook has no room for another program';
					case ESTALE:
						return 'the hook was changed since its revision was read';
					default:
						return undefined;
				}
			},
		}),
	);
}

function directionOf(type: AttachType | undefined): 'ingress' | 'egress' | undefined {
	if (type === 'tcx_ingress') return 'ingress';
	return type === 'tcx_egress' ? 'egress' : undefined;
}

/** Flags and neighbour of an anchor, for every hook that orders its programs. */
export function place(anchor: Anchor): {flags: number; relative?: number} {
	if (anchor === 'first') return {flags: attachFlags.before};
	if (anchor === 'last') return {flags: attachFlags.after};
	const isBefore = 'before' in anchor;
	const neighbour = isBefore ? anchor.before : anchor.after;
	const side = isBefore ? attachFlags.before : attachFlags.after;
	if (typeof neighbour === 'number') {
		return {flags: side | attachFlags.id, relative: neighbour};
	}

	const kind = neighbour instanceof Program ? 0 : attachFlags.link;
	return {flags: side | kind, relative: neighbour.fd};
}
