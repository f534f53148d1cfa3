/** Hooks as words: `xdp:eth0`, `tcx_ingress:eth0`, `cgroup:/sys/fs/cgroup/web`. */

import {UsageError} from '../base/errors.js';
import type {AttachTarget, AttachType, SectionTarget} from '../index.js';

/** For the help of whatever takes such a word. */
export const hookHelp = `A hook is written HOOK:PLACE:

  xdp:DEVICE, xdp_generic:DEVICE, xdp_offload:DEVICE
  tcx_ingress:DEVICE, tcx_egress:DEVICE
  netkit_primary:DEVICE, netkit_peer:DEVICE
  cgroup_inet4_connect:PATH, cgroup_sock_ops:PATH and their like
  netns:PATH or netns:PID, of sk_lookup and flow_dissector
`;

/** Reads such a word; `netns` is where its device is. */
export function hookTarget(
	word: string,
	attachTypes: Readonly<Record<string, number>>,
	netns?: string,
): AttachTarget | SectionTarget {
	const at = word.indexOf(':');
	const [hook, place] = [word.slice(0, at), word.slice(at + 1)];
	if (at < 1 || place === '') {
		throw new UsageError(`read hook "${word}": expected HOOK:PLACE, such as xdp:eth0`);
	}

	const device = {...(netns === undefined ? {} : {netns: pathOrPid(netns)})};
	switch (hook) {
		case 'xdp':
			return {xdp: place, ...device};
		case 'xdp_generic':
			return {xdp: place, mode: 'generic', ...device};
		case 'xdp_offload':
			return {xdp: place, mode: 'offload', ...device};
		case 'tcx':
			return {tcx: place, ...device};
		case 'tcx_ingress':
			return {tcx: place, direction: 'ingress', ...device};
		case 'tcx_egress':
			return {tcx: place, direction: 'egress', ...device};
		case 'netkit_primary':
			return {netkit: place, side: 'primary', ...device};
		case 'netkit_peer':
			return {netkit: place, side: 'peer', ...device};
		case 'cgroup':
			return {cgroup: place};
		case 'netns':
			return {netns: pathOrPid(place)};
		default:
			if (isCgroupHook(hook, attachTypes)) return {cgroup: place, attachType: hook};
			throw new UsageError(`read hook "${word}": there is no hook "${hook}"`);
	}
}

function isCgroupHook(
	hook: string,
	attachTypes: Readonly<Record<string, number>>,
): hook is AttachType {
	return hook.startsWith('cgroup_') && Object.hasOwn(attachTypes, hook);
}

/** A network namespace: its path, or a process in it. */
export function pathOrPid(text: string): string | number {
	return /^\d+$/.test(text) ? Number(text) : text;
}
