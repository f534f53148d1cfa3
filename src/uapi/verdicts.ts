import {createNames, type UnknownName} from './names.js';

/** What an XDP program returns: `XDP_*`. The kernel treats any other number as `aborted`. */
export const xdpActions = {aborted: 0, drop: 1, pass: 2, tx: 3, redirect: 4} as const;
export type XdpAction = keyof typeof xdpActions | UnknownName;

/** What a tc program returns: `TC_ACT_*`. */
export const tcActions = {
	unspec: -1,
	ok: 0,
	reclassify: 1,
	shot: 2,
	pipe: 3,
	stolen: 4,
	queued: 5,
	repeat: 6,
	redirect: 7,
	trap: 8,
} as const;
export type TcAction = keyof typeof tcActions | UnknownName;

/** What a tcx or netkit program returns: `TCX_*`. The kernel treats any other number as `next`. */
export const tcxActions = {next: -1, pass: 0, drop: 2, redirect: 7} as const;
export type TcxAction = keyof typeof tcxActions | UnknownName;

/** What a program of type cgroup_skb returns; the numbers above 1 only at egress. */
export const cgroupSkbActions = {drop: 0, pass: 1, drop_congested: 2, pass_congested: 3} as const;
export type CgroupSkbAction = keyof typeof cgroupSkbActions | UnknownName;

const cgroupSkbNames = createNames('cgroup_skb action', cgroupSkbActions);
const xdpNames = createNames('XDP action', xdpActions);
const tcNames = createNames('tc action', tcActions);
const tcxNames = createNames('tcx action', tcxActions);

/** The name of what an XDP program returned. */
export function xdpActionName(number: number): XdpAction {
	return xdpNames.name(number);
}

/** The name of what a tc program returned; takes the number signed or as the kernel's u32. */
export function tcActionName(number: number): TcAction {
	return tcNames.name(number | 0);
}

/** The name of what a tcx program returned; takes the number signed or as the kernel's u32. */
export function tcxActionName(number: number): TcxAction {
	return tcxNames.name(number | 0);
}

/** The name of what a program of type cgroup_skb returned. */
export function cgroupSkbActionName(number: number): CgroupSkbAction {
	return cgroupSkbNames.name(number);
}
