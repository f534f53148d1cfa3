import {getDevice, type XdpMode} from '../../kernel/netlink/device.js';
import {attachXdp} from '../link/attach-xdp.js';
import type {Link} from '../link/link.js';
import {LinkError} from '../link/link-error.js';
import {xdpLinkId} from '../link/owner.js';
import type {InterfaceTarget} from '../link/target.js';
import {XdpNetlinkAttachment} from '../link/xdp-netlink.js';
import type {Program} from '../program/program.js';
import {openLink, openNamed, type Hook, type Predecessor} from './hook.js';

/** XDP of an interface, which runs one program at a time. */
export function xdpHook(program: Program, target: InterfaceTarget, mode: XdpMode): Hook {
	const {ifindex, netns} = target;
	const name = `xdp of "${target.name}"`;
	const attached = () => getDevice(ifindex, netns).xdp;

	const find = (programName: string): Predecessor | undefined => {
		for (const {mode: found, programId} of attached()) {
			const named = openNamed(programId, programName);
			if (named === undefined) continue;
			if (found !== mode) {
				named.close();
				throw new LinkError(
					`attach program "${program.name}" to ${name}`,
					`its predecessor, program ${programId}, runs in ${found} mode, which cannot be changed without a gap; attach in ${found} mode, or detach it first`,
				);
			}

			const linkId = xdpLinkId(ifindex, programId);
			if (linkId === undefined) {
				const link = new XdpNetlinkAttachment(named, target, mode).ownProgram();
				return {link, programId};
			}

			named.close();
			const link = openLink(linkId, name);
			if (link !== undefined) return {link, programId, linkId};
		}

		return undefined;
	};

	// Interfaces of other namespaces have the same numbers: the program tells, unless it is replaced
	// between the two questions.
	const isLinkHere = (link: Link): boolean => {
		for (;;) {
			const {type, ifindex: linked, programId} = link.info();
			if (type !== 'xdp' || linked !== ifindex) return false;
			if (attached().some(each => each.programId === programId)) return true;
			if (link.info().programId === programId) return false;
		}
	};

	return {
		name,
		isLinkHere,
		find,
		create: () => attachXdp(program, ifindex, {mode, ...namespaceOf(target)}),
	};
}

/** The namespace of a target as an option. */
export function namespaceOf({netns}: InterfaceTarget): {netns?: string} {
	return netns === undefined ? {} : {netns: `/proc/self/fd/${netns}`};
}
