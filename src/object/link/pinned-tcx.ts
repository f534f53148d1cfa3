/** Links of tcx that their pins alone hold, made in as few steps as there are. */

import type {TcDirection} from '../../kernel/netlink/tc.js';
import {addon} from '../../kernel/sys/addon.js';
import {linkCreateCall} from '../../kernel/sys/link.js';
import {objectPinCall} from '../../kernel/sys/object.js';
import {attachTypeNumber} from '../../uapi/attach-types.js';
import {attachFlags} from '../../uapi/flags.js';
import {openPin, unpinPath} from '../pin/pin.js';
import type {InterfaceTarget} from './target.js';

/** A program for a side of an interface, by its pin, and where the link shall be pinned. */
export interface PinnedTcx {
	readonly program: string;
	readonly direction: TcDirection;
	readonly pin: string;
}

/** Of a hook on which nothing stands. */
const firstRevision = 1n;

/**
 * Attaches pinned programs to sides of an interface on which nothing stands. False where the kernel
 * refuses any step: all is as it was then, and `attachAt` attaches them or says what is wrong.
 *
 * Nothing is looked at before, and each call is ready before the first is made: an attachment waits
 * for the kernel, and what runs behind a wait finds nothing in the CPU's caches.
 *
 * *Throws:* `ERR_PIN` for a program that is not there. *Kernel:* 6.6.
 */
export function tryAttachPinned(
	list: readonly PinnedTcx[],
	{ifindex, netns}: InterfaceTarget,
): boolean {
	const fds: number[] = [];
	const own = (fd: number): number => {
		if (fd >= 0) fds.push(fd);
		return fd;
	};
	try {
		const calls = list.map(({program, direction, pin}) => ({
			create: linkCreateCall({
				programFd: own(openPin(program)),
				target: ifindex,
				attachType: attachTypeNumber(`tcx_${direction}`),
				flags: attachFlags.after,
				expectedRevision: firstRevision,
				netns,
			}),
			keep: objectPinCall(pin),
		}));
		const links: number[] = [];
		for (const {create} of calls) {
			const link = own(create());
			if (link < 0) return false;
			links.push(link);
		}

		for (const [i, link] of links.entries()) {
			if (calls[i]?.keep(link) === 0) continue;
			for (const {pin} of list.slice(0, i)) unpinPath(pin);
			return false;
		}

		return true;
	} finally {
		for (const fd of fds) addon.closeFd(fd);
	}
}
