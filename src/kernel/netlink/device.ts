/** Interfaces as rtnetlink tells of them, and their XDP hook. */

import {UsageError} from '../../base/errors.js';
import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {xdpAttachedModes, xdpFlags} from '../../uapi/flags.js';
import {
	linkAttributes,
	linkInfoAttributes,
	messageTypes,
	xdpAttributes,
} from '../../uapi/rtnetlink.js';
import {Attributes, nestedAttribute, numberAttribute} from './attributes.js';
import {dump, exchange, type Message} from './exchange.js';

/** Where XDP runs: in the driver, after the packet became an skb, or on the card itself. */
export type XdpMode = 'native' | 'generic' | 'offload';

/** A program at XDP of an interface. */
export interface DeviceXdp {
	readonly mode: XdpMode;
	readonly programId: number;
}

/** What an interface received and sent since it was made. */
export interface DeviceCounters {
	readonly receivedPackets: bigint;
	readonly sentPackets: bigint;
	readonly receivedBytes: bigint;
	readonly sentBytes: bigint;
	readonly receiveErrors: bigint;
	readonly sendErrors: bigint;
	readonly receiveDrops: bigint;
	readonly sendDrops: bigint;
}

export interface Device {
	readonly ifindex: number;
	readonly name: string;
	/** Bytes. */
	readonly mtu: number;
	/** The kernel's name of a virtual device's driver, `veth`; empty where it tells none. */
	readonly kind: string;
	/** `IFF_*`. */
	readonly flags: number;
	/** Of the link layer; empty where there is none. */
	readonly address: Uint8Array;
	/** Interface number of the bridge, or the like, that it is a port of; 0 for none. */
	readonly master: number;
	readonly counters: DeviceCounters;
	/** Whoever attached it; several only while modes are mixed. */
	readonly xdp: readonly DeviceXdp[];
}

const modeFlags = {
	native: xdpFlags.drv_mode,
	generic: xdpFlags.skb_mode,
	offload: xdpFlags.hw_mode,
} as const;

/**
 * `XDP_FLAGS_*` of a mode: without one of them the kernel would choose itself. *Throws:* `ERR_USAGE`.
 */
export function xdpModeFlag(mode: XdpMode): number {
	if (Object.hasOwn(modeFlags, mode)) return modeFlags[mode];
	throw new UsageError(`look up XDP mode "${mode}": expected native, generic or offload`);
}

/** All interfaces of a network namespace. *Throws:* `ERR_NETLINK`. */
export function listDevices(netns?: number): Device[] {
	const parts = [interfaceHeader(0)];
	return dump({what: 'list interfaces', type: messageTypes.get_link, parts, netns})
		.filter(({type}) => type === messageTypes.new_link)
		.map(readDevice);
}

/** One interface. *Throws:* `ERR_NETLINK`: `ENODEV` when there is none of that number. */
export function getDevice(ifindex: number, netns?: number): Device {
	const parts = [interfaceHeader(ifindex)];
	const what = `get interface ${ifindex}`;
	const answer = exchange({what, type: messageTypes.get_link, parts, netns});
	return readDevice(answer[0] ?? {type: 0, payload: new Uint8Array(0)});
}

export interface SetXdp {
	readonly ifindex: number;
	readonly mode: XdpMode;
	/** Descriptor of the program; -1 to detach. */
	readonly programFd: number;
	/**
	 * What must be attached now: a program's descriptor (*Kernel:* 5.7), `'nothing'`, or
	 * `'anything'`.
	 */
	readonly expected: number | 'nothing' | 'anything';
	readonly netns?: number | undefined;
}

/**
 * Sets, replaces or removes the XDP program of an interface, atomically.
 *
 * *Throws:* `ERR_NETLINK`: `EBUSY` when there is one, or a link holds the hook; `EEXIST` when
 * another than the expected one is there.
 */
export function setXdp({ifindex, mode, programFd, expected, netns}: SetXdp): void {
	const isReplace = typeof expected === 'number';
	const replace = isReplace ? xdpFlags.replace : 0;
	const exclusive = expected === 'nothing' ? xdpFlags.update_if_noexist : 0;
	const xdp = [
		numberAttribute(xdpAttributes.fd, programFd),
		numberAttribute(xdpAttributes.flags, modeFlags[mode] | replace | exclusive),
		...(isReplace ? [numberAttribute(xdpAttributes.expected_fd, expected)] : []),
	];
	exchange({
		what: `set xdp of interface ${ifindex}`,
		type: messageTypes.set_link,
		parts: [interfaceHeader(ifindex), nestedAttribute(linkAttributes.xdp, xdp)],
		netns,
	});
}

const interfaceHeaderSize = 16;

/** `struct ifinfomsg`. */
function interfaceHeader(ifindex: number): Uint8Array {
	const bytes = new Uint8Array(interfaceHeaderSize);
	viewOf(bytes).setInt32(4, ifindex, hostLittleEndian);
	return bytes;
}

function readDevice({payload}: Message): Device {
	const attributes = new Attributes(payload.subarray(interfaceHeaderSize));
	const isWhole = payload.length >= interfaceHeaderSize;
	return {
		ifindex: isWhole ? viewOf(payload).getInt32(4, hostLittleEndian) : 0,
		name: attributes.text(linkAttributes.name) ?? '',
		mtu: attributes.u32(linkAttributes.mtu) ?? 0,
		kind: attributes.nested(linkAttributes.link_info).text(linkInfoAttributes.kind) ?? '',
		flags: isWhole ? viewOf(payload).getUint32(8, hostLittleEndian) : 0,
		address: Uint8Array.from(attributes.bytes(linkAttributes.address) ?? []),
		master: attributes.u32(linkAttributes.master) ?? 0,
		counters: readCounters(attributes),
		xdp: readXdp(attributes.nested(linkAttributes.xdp)),
	};
}

/** `struct rtnl_link_stats64`. */
function readCounters(attributes: Attributes): DeviceCounters {
	const at = (index: number): bigint => attributes.u64(linkAttributes.stats64, index) ?? 0n;
	return {
		receivedPackets: at(0),
		sentPackets: at(1),
		receivedBytes: at(2),
		sentBytes: at(3),
		receiveErrors: at(4),
		sendErrors: at(5),
		receiveDrops: at(6),
		sendDrops: at(7),
	};
}

function readXdp(xdp: Attributes): DeviceXdp[] {
	const attached = xdp.u8(xdpAttributes.attached) ?? 0;
	const id = xdp.u32(xdpAttributes.program_id) ?? 0;
	const modes = ['native', 'generic', 'offload'] as const;
	const only = attached === xdpAttachedModes.multi ? undefined : modes[attached - 1];
	// Kernels before 4.19 tell the one program without its mode's own field.
	if (only !== undefined && id !== 0) return [{mode: only, programId: id}];
	return modes.flatMap((mode, i) => {
		const programId = xdp.u32(xdpAttributes.native_id + i) ?? 0;
		return programId === 0 ? [] : [{mode, programId}];
	});
}
