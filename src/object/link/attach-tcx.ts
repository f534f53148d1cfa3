import {constants} from 'node:os';

import {EbpfError, UsageError} from '../../base/errors.js';
import {UnsupportedError} from '../../kernel/features/unsupported-error.js';
import type {TcDirection} from '../../kernel/netlink/tc.js';
import {programQuery} from '../../kernel/sys/program.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {attachTypeNumber, type AttachType} from '../../uapi/attach-types.js';
import {attachFlags} from '../../uapi/flags.js';
import {Program} from '../program/program.js';
import {createLink, requireType} from './attach.js';
import {attachClsact, filterPlace, type FilterNumbers} from './clsact.js';
import type {Link} from './link.js';
import {withInterface, type InterfaceTarget, type NamespaceOptions} from './target.js';

const {EEXIST, EINVAL, ENOENT, ERANGE, ESTALE} = constants.errno;

/** A neighbour on the hook: an object of this process, or the id of a program. */
export type Neighbour = Program | Link | number;

/** Where among the programs of a hook. */
export type Anchor = 'first' | 'last' | {readonly before: Neighbour} | {readonly after: Neighbour};

/** How a program is attached to a device's traffic control. */
export interface AttachTcxOptions extends NamespaceOptions, FilterNumbers {
	/** The program's own attach type decides unless given. */
	readonly direction?: 'ingress' | 'egress';
	/** `last` unless given. */
	readonly anchor?: Anchor;
	/** Attach only while the hook still has this revision (`queryTcx`). */
	readonly expectedRevision?: bigint;
	/**
	 * By a tcx link, and by a filter of clsact where the kernel has no tcx, unless given; the
	 * result's `mechanism` says which. Priority and handle are the filter's; clsact runs after tcx.
	 */
	readonly mechanism?: 'link' | 'clsact';
}

/**
 * Attaches a tc program to an interface's tcx hook, in a place of its choice among the others.
 *
 * *Kernel:* 6.6; 4.5 by clsact, which knows neither anchors nor revisions. *Throws:* `ERR_LINK`:
 * `EEXIST` when the program, or by clsact any filter, is there already, `ENOENT` when the
 * neighbour is not, `ESTALE` when the revision is another.
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

	const action = actionOn(interfaceOrIndex, program, direction);
	requireType(action, program, 'sched_cls');
	return withInterface(action, interfaceOrIndex, options, target =>
		attachTcxAt(program, target, {...options, direction}),
	);
}

/** Where on an interface that was found already. */
export type TcxPlace = Omit<AttachTcxOptions, 'direction' | 'netns'> & {
	readonly direction: TcDirection;
};

/** The same there. */
export function attachTcxAt(program: Program, target: InterfaceTarget, options: TcxPlace): Link {
	const {mechanism, direction} = options;
	const action = actionOn(target.name, program, direction);
	if (mechanism !== 'clsact') {
		try {
			return attachLink(action, program, target, options);
		} catch (error) {
			if (mechanism === 'link' || !isWithoutTcx(error, target)) throw error;
			requireNoPlace(action, options);
		}
	}

	return attachClsact(action, program, target, filterPlace(target, direction, options));
}

function actionOn(where: string | number, program: Program, direction: TcDirection): string {
	return `attach program "${program.name}" to tcx ${direction} of "${where}"`;
}

function attachLink(
	action: string,
	program: Program,
	{ifindex, name, netns}: InterfaceTarget,
	options: TcxPlace,
): Link {
	return createLink(program, {
		action,
		hook: `tcx ${options.direction} of "${name}"`,
		feature: 'tcx links',
		since: '6.6',
		attr: {
			target: ifindex,
			attachType: attachTypeNumber(`tcx_${options.direction}`),
			netns,
			expectedRevision: options.expectedRevision,
			...place(options.anchor ?? 'last'),
		},
		explain: explainPlace,
	});
}

/** Why a hook that orders its programs refuses one. */
export function explainPlace(errno: number): string | undefined {
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
}

/** Was it refused because the kernel has no tcx? Then it does not know the hook either. */
function isWithoutTcx(refusal: unknown, {ifindex, netns}: InterfaceTarget): boolean {
	if (!(refusal instanceof EbpfError) || refusal.errno !== EINVAL) return false;
	try {
		programQuery(ifindex, attachTypeNumber('tcx_ingress'), {netns});
		return false;
	} catch (error) {
		return error instanceof SyscallError && error.errno === EINVAL;
	}
}

function requireNoPlace(action: string, {anchor = 'last', expectedRevision}: TcxPlace) {
	if (anchor === 'last' && expectedRevision === undefined) return;
	const feature = 'a place among the programs of a tc hook';
	throw new UnsupportedError(action, feature, '6.6', {errno: EINVAL});
}

/** The side that a program's attach type names. */
export function directionOf(type: AttachType | undefined): TcDirection | undefined {
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
