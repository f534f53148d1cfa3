/** Queueing disciplines and filters, as far as BPF programs hang on them. */

import {constants} from 'node:os';

import {hex, hostLittleEndian, viewOf} from '../../base/bytes.js';
import {
	messageFlags,
	messageTypes,
	tcAttributes,
	tcBpfAttributes,
	tcBpfDirectAction,
	tcHandles,
} from '../../uapi/rtnetlink.js';
import {Attributes, nestedAttribute, numberAttribute, textAttribute} from './attributes.js';
import {dump, exchange, type Message} from './exchange.js';
import {NetlinkError} from './netlink-error.js';

const {EEXIST, EINVAL, ENOENT} = constants.errno;

export type TcDirection = 'ingress' | 'egress';

/** A filter's place: on which side of an interface, and the numbers that make it one. */
export interface FilterPlace {
	readonly ifindex: number;
	readonly direction: TcDirection;
	/** 1 to 65535; lower ones run first. */
	readonly priority: number;
	readonly handle: number;
	readonly netns?: number | undefined;
}

/** A filter that runs a BPF program. */
export interface BpfFilter {
	readonly direction: TcDirection;
	readonly priority: number;
	readonly handle: number;
	/** Host order: `ETH_P_*`; 3 for all packets. */
	readonly ethProto: number;
	readonly chain: number;
	/** What whoever made it called it. */
	readonly name: string;
	/** The program's verdict is the filter's: otherwise it only classifies. */
	readonly directAction: boolean;
	/** *Kernel:* 4.13; 0 before. */
	readonly programId: number;
	readonly tag: string;
}

const tcHeaderSize = 20;
const allPackets = 3;
const clsactHandle = tcHandles.major;

interface TcHeader {
	readonly ifindex: number;
	readonly handle: number;
	readonly parent: number;
	readonly info: number;
}

/** `struct tcmsg`. */
function encodeHeader({ifindex, handle, parent, info}: TcHeader): Uint8Array {
	const bytes = new Uint8Array(tcHeaderSize);
	const view = viewOf(bytes);
	view.setInt32(4, ifindex, hostLittleEndian);
	view.setUint32(8, handle, hostLittleEndian);
	view.setUint32(12, parent, hostLittleEndian);
	view.setUint32(16, info, hostLittleEndian);
	return bytes;
}

function readHeader(payload: Uint8Array): TcHeader {
	const view = viewOf(payload);
	return {
		ifindex: view.getInt32(4, hostLittleEndian),
		handle: view.getUint32(8, hostLittleEndian),
		parent: view.getUint32(12, hostLittleEndian),
		info: view.getUint32(16, hostLittleEndian),
	};
}

const swap16 = (value: number): number => ((value & 0xff) << 8) | (value >>> 8);
const toNetwork16 = (value: number): number => (hostLittleEndian ? swap16(value) : value);

/** Priority in the high half, protocol in network order in the low half. */
const filterInfo = (priority: number, ethProto: number): number =>
	((priority << 16) | toNetwork16(ethProto)) >>> 0;

const clsactParent: Readonly<Record<TcDirection, number>> = {
	ingress: tcHandles.ingress,
	egress: tcHandles.egress,
};

/** What hangs on an interface's ingress and egress: `clsact`, or the older `ingress`, or neither. */
export function qdiscKind(ifindex: number, netns?: number): string | undefined {
	const what = `list queueing disciplines of interface ${ifindex}`;
	const header = encodeHeader({ifindex, handle: 0, parent: 0, info: 0});
	for (const message of dump({what, type: messageTypes.get_qdisc, parts: [header], netns})) {
		if (message.type !== messageTypes.new_qdisc || message.payload.length < tcHeaderSize)
			continue;
		const found = readHeader(message.payload);
		// Kernels before 4.20 list those of every interface.
		if (found.ifindex !== ifindex || found.parent !== tcHandles.clsact) continue;
		return new Attributes(message.payload.subarray(tcHeaderSize)).text(tcAttributes.kind);
	}

	return undefined;
}

/** Gives an interface a clsact; false when it has one already. *Throws:* `ERR_NETLINK`. */
export function createClsact(ifindex: number, netns?: number): boolean {
	try {
		exchange({
			what: `make clsact of interface ${ifindex}`,
			type: messageTypes.new_qdisc,
			flags: messageFlags.create | messageFlags.excl,
			parts: [
				encodeHeader({ifindex, handle: clsactHandle, parent: tcHandles.clsact, info: 0}),
				textAttribute(tcAttributes.kind, 'clsact'),
			],
			netns,
		});
		return true;
	} catch (error) {
		// `ingress` holds the same place and says the same.
		if (!(error instanceof NetlinkError) || error.errno !== EEXIST) throw error;
		if (qdiscKind(ifindex, netns) === 'clsact') return false;
		throw error;
	}
}

export interface SetFilter extends FilterPlace {
	readonly programFd: number;
	readonly name: string;
	/** Whether a filter may or must be in that place already. */
	readonly how: 'create' | 'replace';
}

/**
 * Puts a program as direct action for all packets into a place; a filter that is there is replaced
 * without a packet in between that meets neither. *Throws:* `ERR_NETLINK`: `EEXIST` when `create`
 * finds the place taken.
 */
export function setFilter(filter: SetFilter): void {
	const how = filter.how === 'create' ? messageFlags.excl : messageFlags.replace;
	exchange({
		what: `set filter of interface ${filter.ifindex}`,
		type: messageTypes.new_filter,
		flags: messageFlags.create | how,
		parts: [
			placeHeader(filter),
			textAttribute(tcAttributes.kind, 'bpf'),
			nestedAttribute(tcAttributes.options, [
				numberAttribute(tcBpfAttributes.fd, filter.programFd),
				textAttribute(tcBpfAttributes.name, filter.name),
				numberAttribute(tcBpfAttributes.flags, tcBpfDirectAction),
			]),
		],
		netns: filter.netns,
	});
}

/** Removes the filter in a place. *Throws:* `ERR_NETLINK`: `ENOENT` when there is none. */
export function deleteFilter(place: FilterPlace): void {
	exchange({
		what: `remove filter of interface ${place.ifindex}`,
		type: messageTypes.delete_filter,
		parts: [placeHeader(place), textAttribute(tcAttributes.kind, 'bpf')],
		netns: place.netns,
	});
}

function placeHeader({ifindex, handle, direction, priority}: FilterPlace): Uint8Array {
	const info = filterInfo(priority, allPackets);
	return encodeHeader({ifindex, handle, parent: clsactParent[direction], info});
}

/** BPF filters of one side of an interface, in the order they run. *Throws:* `ERR_NETLINK`. */
export function listFilters(ifindex: number, direction: TcDirection, netns?: number): BpfFilter[] {
	const what = `list filters of interface ${ifindex}`;
	const header = encodeHeader({ifindex, handle: 0, parent: clsactParent[direction], info: 0});
	let messages: Message[];
	try {
		messages = dump({what, type: messageTypes.get_filter, parts: [header], netns});
	} catch (error) {
		// Without a queueing discipline, or with `ingress` alone, there is no such side.
		if (error instanceof NetlinkError && [EINVAL, ENOENT].includes(error.errno)) return [];
		throw error;
	}

	return messages
		.filter(
			({type, payload}) => type === messageTypes.new_filter && payload.length >= tcHeaderSize,
		)
		.flatMap(({payload}) => readFilter(payload, direction) ?? []);
}

function readFilter(payload: Uint8Array, direction: TcDirection): BpfFilter | undefined {
	const {handle, info} = readHeader(payload);
	const attributes = new Attributes(payload.subarray(tcHeaderSize));
	// Each priority is listed once more, without a handle, as a whole.
	if (attributes.text(tcAttributes.kind) !== 'bpf' || handle === 0) return undefined;
	const options = attributes.nested(tcAttributes.options);
	return {
		direction,
		priority: info >>> 16,
		handle,
		ethProto: toNetwork16(info & 0xff_ff),
		chain: attributes.u32(tcAttributes.chain) ?? 0,
		name: options.text(tcBpfAttributes.name) ?? '',
		directAction: ((options.u32(tcBpfAttributes.flags) ?? 0) & tcBpfDirectAction) !== 0,
		programId: options.u32(tcBpfAttributes.id) ?? 0,
		tag: hex(options.bytes(tcBpfAttributes.tag) ?? new Uint8Array(0), ''),
	};
}
