import {cString} from '../../base/bytes.js';
import {InfoStruct} from './info.js';
import {linkTypeName, type LinkType} from '../../uapi/link-types.js';
import {attachTypeName, type AttachType} from '../../uapi/attach-types.js';

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
	/** sockmap, struct_ops. */
	readonly mapId?: number;
	/** tracing: the BTF object and type of the target. */
	readonly targetObjectId?: number;
	readonly targetBtfId?: number;
	/** raw_tracepoint: tracepoint; iter: iterator. */
	readonly targetName?: string;
}

function details(type: LinkType, info: InfoStruct): Partial<LinkInfo> {
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
			};
		default:
			return {};
	}
}

/** *Throws:* `ERR_SYSCALL`. *Kernel:* 5.8. */
export function linkInfo(fd: number): LinkInfo {
	const info = new InfoStruct(64).fetch(fd);
	const type = linkTypeName(info.u32(0));
	const common = {id: info.u32(4), type, programId: info.u32(8)};
	if (type !== 'raw_tracepoint' && type !== 'iter') return {...common, ...details(type, info)};
	const name = new Uint8Array(128);
	new InfoStruct(64).fetch(fd, [16, name]);
	return {...common, targetName: cString(name)};
}
