import {fstatSync} from 'node:fs';

import {programQuery} from '../../kernel/sys/program.js';
import {attachTypeNumber, type AttachType} from '../../uapi/attach-types.js';
import {attachFlags} from '../../uapi/flags.js';
import {attachCgroup, type AttachCgroupOptions} from '../link/attach-cgroup.js';
import {CgroupAttachment, type CgroupSharing} from '../link/cgroup-attachment.js';
import {listLinks} from '../link/list-links.js';
import type {Program} from '../program/program.js';
import {openLink, openNamed, type Hook, type Predecessor} from './hook.js';

/** A cgroup's programs of one attach type; `fd` is the cgroup's directory. */
export function cgroupHook(
	program: Program,
	{fd, path, attachType}: {fd: number; path: string; attachType: AttachType},
	options: AttachCgroupOptions,
): Hook {
	const name = `${attachType} of "${path}"`;
	const id = fstatSync(fd, {bigint: true}).ino;
	const query = () => programQuery(fd, attachTypeNumber(attachType));
	/** Of the hook as `find` saw it; 0n where the kernel counts none. *Kernel:* 6.17. */
	let revision = 0n;

	const find = (programName: string): Predecessor | undefined => {
		const state = query();
		revision = state.revision;
		for (const programId of state.programIds) {
			const named = openNamed(programId, programName);
			if (named === undefined) continue;
			const linkId = [...listLinks()].find(
				each =>
					each.cgroupId === id &&
					each.attachType === attachType &&
					each.programId === programId,
			)?.id;
			if (linkId === undefined) {
				const sharing = sharingOf(state.attachFlags);
				const link = new CgroupAttachment(named, {fd, path, attachType, sharing});
				return {link: link.ownProgram(), programId};
			}

			named.close();
			const link = openLink(linkId, name);
			if (link !== undefined) return {link, programId, linkId};
		}

		return undefined;
	};

	return {
		name,
		isLinkHere(link) {
			const info = link.info();
			return info.type === 'cgroup' && info.cgroupId === id && info.attachType === attachType;
		},
		find,
		create: () =>
			attachCgroup(program, path, {
				...options,
				attachType,
				...(revision === 0n ? {} : {expectedRevision: revision}),
			}),
	};
}

function sharingOf(flags: number): CgroupSharing {
	if ((flags & attachFlags.allow_multi) !== 0) return 'multi';
	return (flags & attachFlags.allow_override) === 0 ? 'exclusive' : 'override';
}
