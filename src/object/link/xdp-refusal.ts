/** Why an interface refuses an XDP program. */

import {constants} from 'node:os';

import {getDevice, type XdpMode} from '../../kernel/netlink/device.js';
import {NetlinkError} from '../../kernel/netlink/netlink-error.js';
import {describeOwner, xdpOwner, type Owner} from './owner.js';
import type {InterfaceTarget} from './target.js';

const {EBUSY, EEXIST, EINVAL, EOPNOTSUPP, ENODEV} = constants.errno;

export interface Refusal {
	readonly errno: number;
	/** The kernel's or the driver's own words, which only rtnetlink gives. */
	readonly explanation: string;
	readonly target: InterfaceTarget;
	readonly mode: XdpMode;
}

/** The refusal in words, and who holds the hook where that is why. */
export function xdpDetail(refusal: Refusal): {detail: string | undefined; owner?: Owner} {
	const {errno, explanation, target, mode} = refusal;
	if (errno === EBUSY || errno === EEXIST) {
		const owner = xdpOwner(target.ifindex, target.netns);
		const held = 'the interface has an XDP program already';
		const words = explanation === '' ? held : `${held} (${explanation})`;
		if (owner === undefined) return {detail: words};
		return {detail: `${words}: ${describeOwner(owner)}${advice(owner, target)}`, owner};
	}

	if (errno === ENODEV) return {detail: 'the interface is gone'};
	if (explanation !== '') return {detail: `${explanation}${hint(refusal)}`};
	if (errno === EOPNOTSUPP) {
		return {detail: `the driver of "${target.name}" has no ${mode} XDP${hint(refusal)}`};
	}

	if (errno !== EINVAL) return {detail: undefined};
	const setUp = 'as it is set up now (MTU, LRO, queues)';
	return {detail: `the driver of "${target.name}" refuses ${mode} XDP ${setUp}`};
}

/** How to share the interface with a program that is made for that. */
function advice({programName}: Owner, {name}: InterfaceTarget): string {
	if (programName === 'skep_dispatcher') return '; it shares the interface: use joinXdp';
	if (programName !== 'xdp_dispatcher') return '';
	return `; it is the dispatcher of libxdp, whose programs would be lost: see 'xdp-loader status ${name}', add with 'xdp-loader load' or make room with 'xdp-loader unload ${name} --all'`;
}

/** What to do about it, where the words give that away. */
function hint({errno, explanation, target, mode}: Refusal): string {
	if (errno === EOPNOTSUPP && mode === 'native') {
		return "; mode 'generic' works with every driver, and is slower";
	}

	if (/\bLRO\b/i.test(explanation)) return `; 'ethtool -K ${target.name} lro off' first`;
	if (!/\b(mtu|frags?|fragment|buffer)/i.test(explanation)) return '';
	return `; the MTU is ${mtuOf(target)}: lower it, or load the program from section "xdp.frags"`;
}

function mtuOf({ifindex, netns}: InterfaceTarget): string {
	try {
		return String(getDevice(ifindex, netns).mtu);
	} catch (error) {
		if (error instanceof NetlinkError) return 'unknown';
		throw error;
	}
}
