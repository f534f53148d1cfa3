import {constants} from 'node:os';

import type {TcDirection} from '../../kernel/netlink/tc.js';
import {programQuery} from '../../kernel/sys/program.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {attachTypeNumber} from '../../uapi/attach-types.js';
import {attachTcxAt, type TcxPlace} from '../link/attach-tcx.js';
import {ClsactAttachment, filterAt, filterPlace} from '../link/clsact.js';
import type {InterfaceTarget} from '../link/target.js';
import type {Program} from '../program/program.js';
import {openLink, openNamed, type Hook, type Predecessor} from './hook.js';

const {EINVAL} = constants.errno;

/** Where a program shall stand, and what may have stood there. */
export interface TcHookOptions extends Omit<TcxPlace, 'direction'> {
	/** Where there is tcx, no filter is a predecessor: none is looked for. False unless given. */
	readonly linksOnly?: boolean;
}

/** tcx of an interface, or clsact where there is no tcx or the predecessor is a filter. */
export function tcHook(
	program: Program,
	target: InterfaceTarget,
	direction: TcDirection,
	{linksOnly = false, ...options}: TcHookOptions,
): Hook {
	const {ifindex, netns} = target;
	const name = `tcx ${direction} of "${target.name}"`;
	const attachType = `tcx_${direction}` as const;
	/** Of the hook as `find` saw it: whoever changes it before `create` makes that fail. */
	let revision: bigint | undefined;

	const query = () => {
		try {
			return programQuery(ifindex, attachTypeNumber(attachType), {links: true, netns});
		} catch (error) {
			if (error instanceof SyscallError && error.errno === EINVAL) return undefined;
			throw error;
		}
	};

	const findFilter = (programName: string): Predecessor | undefined => {
		const place = filterPlace(target, direction, options);
		const programId = filterAt(place)?.programId ?? 0;
		const named = programId === 0 ? undefined : openNamed(programId, programName);
		if (named === undefined) return undefined;
		return {link: new ClsactAttachment(named, target, place).ownProgram(), programId};
	};

	const find = (programName: string): Predecessor | undefined => {
		const state = query();
		revision = state?.revision;
		for (const [i, programId] of state?.programIds.entries() ?? []) {
			const linkId = state?.linkIds[i] ?? 0;
			const named = linkId === 0 ? undefined : openNamed(programId, programName);
			if (named === undefined) continue;
			named.close();
			const link = openLink(linkId, name);
			if (link !== undefined) return {link, programId, linkId};
		}

		return linksOnly && state !== undefined ? undefined : findFilter(programName);
	};

	return {
		name,
		isLinkHere(link) {
			const info = link.info();
			return (
				info.type === 'tcx' &&
				info.ifindex === ifindex &&
				info.attachType === attachType &&
				(query()?.linkIds.includes(info.id) ?? false)
			);
		},
		find,
		create: () =>
			attachTcxAt(program, target, {
				...options,
				direction,
				...(revision === undefined ? {} : {expectedRevision: revision}),
			}),
	};
}
