import {cString, hostLittleEndian, viewOf} from '../../base/bytes.js';
import {InfoStruct} from './info.js';
import {linkTypeName, type LinkType} from '../../uapi/link-types.js';
import {attachTypeName, type AttachType} from '../../uapi/attach-types.js';
import {
	netfilterFamilies,
	netfilterFlags,
	netfilterHooks,
	netfilterName,
} from '../../uapi/netfilter.js';
import {perfLinkTypes} from '../../uapi/perf-events.js';

/** What a perf link's program runs at. */
export type PerfLinkType = Exclude<keyof typeof perfLinkTypes, 'unspec'>;

/** What a link holds together; which of the last fields are there depends on the type. */
export interface LinkInfo {
	readonly id: number;
	readonly type: LinkType;
	/** 0 once the link's target is gone. */
	readonly programId: number;
	readonly attachType?: AttachType;
	/** xdp, tcx, netkit: 0 once the interface is gone. */
	readonly ifindex?: number;
	readonly cgroupId?: bigint;
	/** netns: inode of the namespace. */
	readonly netnsInode?: number;
	/** sockmap, struct_ops; iter over a map. */
	readonly mapId?: number;
	/** tracing: the BTF object and type of the target. */
	readonly targetObjectId?: number;
	readonly targetBtfId?: number;
	/** raw_tracepoint: tracepoint; iter: iterator; perf_event: tracepoint or kernel function. */
	readonly targetName?: string;
	/** perf_event: uprobe; uprobe_multi. */
	readonly path?: string;
	/** perf_event: of a probe, in bytes from the start of its function or file. */
	readonly offset?: number;
	/** uprobe_multi: in bytes from the start of the file. */
	readonly offsets?: readonly bigint[];
	/** kprobe_multi: of the functions; none where the kernel hides addresses. */
	readonly addresses?: readonly bigint[];
	/** kprobe_multi, uprobe_multi: one for each place; not there where none was given. */
	readonly cookies?: readonly bigint[];
	/** kprobe_multi, uprobe_multi: runs when functions return. */
	readonly onReturn?: boolean;
	/** perf_event, tracing, raw_tracepoint: what the program reads by `bpf_get_attach_cookie`. */
	readonly cookie?: bigint;
	/** perf_event. *Kernel:* 6.6. */
	readonly eventType?: PerfLinkType;
	/** perf_event: of a clock or counter, as perf numbers them. */
	readonly event?: {readonly type: number; readonly config: bigint};
	/** kprobe_multi, perf_event: times that a kprobe was not run. */
	readonly missed?: bigint;
	/** uprobe_multi; iter over tasks: 0 for all. */
	readonly pid?: number;
	/** iter over one task. */
	readonly tid?: number;
	readonly netfilter?: {
		/** `ipv4`. */
		readonly family: string;
		/** `prerouting`. */
		readonly hook: string;
		readonly priority: number;
		readonly defrag: boolean;
	};
}

/** Bit of the flags of both multi-probes. */
const multiReturn = 1;

function details(fd: number, type: LinkType, info: InfoStruct): Partial<LinkInfo> {
	switch (type) {
		case 'xdp':
			return {attachType: 'xdp', ifindex: info.u32(16)};
		case 'tcx':
		case 'netkit':
			return {ifindex: info.u32(16), attachType: attachTypeName(info.u32(20))};
		case 'cgroup':
			return {cgroupId: info.u64(16), attachType: attachTypeName(info.u32(24))};
		case 'netns':
			return {netnsInode: info.u32(16), attachType: attachTypeName(info.u32(20))};
		case 'sockmap':
			return {mapId: info.u32(16), attachType: attachTypeName(info.u32(20))};
		case 'struct_ops':
			return {mapId: info.u32(16)};
		case 'tracing':
			return {
				attachType: attachTypeName(info.u32(16)),
				targetObjectId: info.u32(20),
				targetBtfId: info.u32(24),
				...cookieOf(info.u64(32)),
			};
		case 'netfilter':
			return {
				netfilter: {
					family: netfilterName(netfilterFamilies, info.u32(16)),
					hook: netfilterName(netfilterHooks, info.u32(20)),
					priority: info.i32(24),
					defrag: (info.u32(28) & netfilterFlags.ip_defrag) !== 0,
				},
			};
		case 'raw_tracepoint':
			return {targetName: text(fd, 16), ...cookieOf(info.u64(32))};
		case 'iter':
			return iteratorDetails(text(fd, 16), info);
		case 'perf_event':
			return perfDetails(fd, info);
		case 'kprobe_multi':
			return kprobeDetails(fd, info);
		case 'uprobe_multi':
			return uprobeDetails(fd, info);
		default:
			return {};
	}
}

/** *Throws:* `ERR_SYSCALL`. *Kernel:* 5.8. */
export function linkInfo(fd: number): LinkInfo {
	const info = new InfoStruct(infoSize).fetch(fd);
	const type = linkTypeName(info.u32(0));
	return {id: info.u32(4), type, programId: info.u32(8), ...details(fd, type, info)};
}

const infoSize = 64;
/** The longest path there is. */
const textSize = 4096;

/** A name or path that the kernel writes to where `address` says. */
function text(fd: number, address: number): string {
	const name = new Uint8Array(textSize);
	new InfoStruct(infoSize).fetch(fd, [address, name]);
	return cString(name);
}

/** 0 is what a program reads where none was given. */
function cookieOf(cookie: bigint): {cookie?: bigint} {
	return cookie === 0n ? {} : {cookie};
}

function iteratorDetails(targetName: string, info: InfoStruct): Partial<LinkInfo> {
	switch (targetName) {
		case 'bpf_map_elem':
		case 'bpf_sk_storage_map':
		case 'sockmap':
			return {targetName, mapId: info.u32(28)};
		case 'task':
		case 'task_file':
		case 'task_vma':
			return {targetName, tid: info.u32(32), pid: info.u32(36)};
		case 'cgroup':
			return {targetName, cgroupId: info.u64(32)};
		default:
			return {targetName};
	}
}

const perfTypes: ReadonlyMap<number, string> = new Map(
	Object.entries(perfLinkTypes).map(([name, number]) => [number, name]),
);

function perfDetails(fd: number, info: InfoStruct): Partial<LinkInfo> {
	const eventType = perfTypes.get(info.u32(16)) as keyof typeof perfLinkTypes | undefined;
	switch (eventType) {
		case 'uprobe':
		case 'uretprobe':
			return {
				...{eventType, path: text(fd, 24), offset: info.u32(36)},
				...cookieOf(info.u64(40)),
			};
		case 'kprobe':
		case 'kretprobe':
			return {
				...{eventType, targetName: text(fd, 24), offset: info.u32(36)},
				...{missed: info.u64(48), ...cookieOf(info.u64(56))},
			};
		case 'tracepoint':
			return {eventType, targetName: text(fd, 24), ...cookieOf(info.u64(40))};
		case 'event':
			return {
				eventType,
				event: {type: info.u32(32), config: info.u64(24)},
				...cookieOf(info.u64(40)),
			};
		default:
			return {};
	}
}

function kprobeDetails(fd: number, info: InfoStruct): Partial<LinkInfo> {
	const count = info.u32(24);
	const [addresses, cookies] = arrays(fd, count, [16, 40]);
	return {
		...{addresses: addresses.filter(address => address !== 0n), ...given(cookies)},
		...{onReturn: (info.u32(28) & multiReturn) !== 0, missed: info.u64(32)},
	};
}

function uprobeDetails(fd: number, info: InfoStruct): Partial<LinkInfo> {
	const [offsets, cookies] = arrays(fd, info.u32(52), [24, 40]);
	return {
		...{path: text(fd, 16), offsets, ...given(cookies)},
		...{onReturn: (info.u32(56) & multiReturn) !== 0, pid: info.u32(60)},
	};
}

function given(cookies: readonly bigint[]): {cookies?: readonly bigint[]} {
	return cookies.some(cookie => cookie !== 0n) ? {cookies} : {};
}

/** Two arrays of `count` numbers each, which the kernel writes to where the addresses say. */
function arrays(
	fd: number,
	count: number,
	[one, two]: readonly [one: number, two: number],
): [one: bigint[], two: bigint[]] {
	if (count === 0) return [[], []];
	const [first, second] = [new Uint8Array(count * 8), new Uint8Array(count * 8)];
	new InfoStruct(infoSize).fetch(fd, [one, first, two, second]);
	const read = (bytes: Uint8Array): bigint[] => {
		const view = viewOf(bytes);
		return Array.from({length: count}, (_, i) => view.getBigUint64(i * 8, hostLittleEndian));
	};
	return [read(first), read(second)];
}
