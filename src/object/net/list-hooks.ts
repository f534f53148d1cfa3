import {closeSync, readdirSync, statSync} from 'node:fs';
import {join} from 'node:path';

import {mountsOf} from '../../kernel/host/mounts.js';
import {listDevices, type XdpMode} from '../../kernel/netlink/device.js';
import {listFilters, type BpfFilter} from '../../kernel/netlink/tc.js';
import type {LinkInfo} from '../../kernel/sys/link-info.js';
import {attachTypes, type AttachType} from '../../uapi/attach-types.js';
import {LinkError} from '../link/link-error.js';
import {listLinks} from '../link/list-links.js';
import {readDispatcher, type Dispatcher} from '../xdp-set/dispatcher.js';
import {openNamespace, type NamespaceOptions} from '../link/target.js';
import {queryCgroup, queryHook, type HookProgram} from './query.js';

/** A hook that runs at least one program. */
export interface Hook {
	/** `tcx` runs before `clsact`, whose filters have no attach type of their own. */
	readonly kind: 'xdp' | 'tcx' | 'clsact' | 'cgroup';
	readonly attachType: AttachType;
	/** The interface's name, or the cgroup's path. */
	readonly target: string;
	readonly ifindex?: number;
	/** XDP: where it runs. */
	readonly mode?: XdpMode;
	/** In the order they run. */
	readonly programs: readonly HookProgram[];
	/** clsact: the filters that run the programs, one for each. */
	readonly filters?: readonly BpfFilter[];
	/** XDP: the programs that the one on the hook runs. */
	readonly dispatcher?: Dispatcher;
}

/**
 * What runs at XDP, tcx and clsact of the interfaces of a network namespace, whoever attached it.
 *
 * *Throws:* `ERR_LINK` when there is no such namespace, `ERR_NETLINK`.
 */
export function* listInterfaceHooks(options: NamespaceOptions = {}): Generator<Hook> {
	const links = [...listLinks()];
	const netns =
		options.netns === undefined ? undefined : openNamespace('list hooks', options.netns);
	try {
		for (const {ifindex, name, xdp} of listDevices(netns)) {
			const common = {target: name, ifindex};
			for (const {mode, programId} of xdp) {
				const link = links.find(
					each =>
						each.type === 'xdp' &&
						each.ifindex === ifindex &&
						each.programId === programId,
				);
				const programs = [link === undefined ? {programId} : {programId, linkId: link.id}];
				const dispatcher = readDispatcher(programId);
				yield {
					...common,
					kind: 'xdp',
					attachType: 'xdp',
					mode,
					programs,
					...(dispatcher === undefined ? {} : {dispatcher}),
				};
			}

			for (const direction of ['ingress', 'egress'] as const) {
				const attachType = `tcx_${direction}` as const;
				const programs = ifAny(
					() =>
						queryHook('list hooks', ifindex, attachType, {links: true, netns}).programs,
				);
				if (programs.length > 0) yield {...common, kind: 'tcx', attachType, programs};
				const filters = listFilters(ifindex, direction, netns);
				if (filters.length === 0) continue;
				yield {
					...common,
					kind: 'clsact',
					attachType,
					programs: filters.map(({programId}) => ({programId})),
					filters,
				};
			}
		}
	} finally {
		if (netns !== undefined) closeSync(netns);
	}
}

const cgroupTypes = Object.keys(attachTypes).filter(name =>
	name.startsWith('cgroup_'),
) as AttachType[];

/**
 * What runs on the cgroups at and below `root`; on every cgroup of the host unless given.
 *
 * *Throws:* `ERR_LINK` when there is no cgroup v2 at `root`.
 */
export function* listCgroupHooks(root?: string): Generator<Hook> {
	if (root !== undefined) queryCgroup(root, 'cgroup_inet_ingress');
	const roots = root === undefined ? mountsOf('cgroup2').map(mount => mount.path) : [root];
	const links = [...listLinks()].filter(link => link.type === 'cgroup');
	for (const path of new Set(roots)) yield* walkCgroups(path, links);
}

function* walkCgroups(path: string, links: readonly LinkInfo[]): Generator<Hook> {
	const found = new Map<AttachType, readonly HookProgram[]>();
	for (const attachType of cgroupTypes) {
		const programs = ifAny(() => queryCgroup(path, attachType).programs);
		if (programs.length > 0) found.set(attachType, programs);
	}

	// The query does not tell links; a cgroup's id is the inode of its directory.
	const id = found.size > 0 ? statSync(path, {bigint: true}).ino : 0n;
	for (const [attachType, attached] of found) {
		const programs = attached.map(({programId}) => {
			const link = links.find(
				each =>
					each.cgroupId === id &&
					each.attachType === attachType &&
					each.programId === programId,
			);
			return link === undefined ? {programId} : {programId, linkId: link.id};
		});
		yield {kind: 'cgroup', attachType, target: path, programs};
	}

	for (const entry of subdirectories(path)) yield* walkCgroups(join(path, entry), links);
}

function subdirectories(path: string): string[] {
	try {
		return readdirSync(path, {withFileTypes: true})
			.filter(entry => entry.isDirectory())
			.map(entry => entry.name);
	} catch {
		return [];
	}
}

/** Nothing where the kernel does not know the hook, or the target vanished. */
function ifAny(read: () => readonly HookProgram[]): readonly HookProgram[] {
	try {
		return read();
	} catch (error) {
		if (error instanceof LinkError) return [];
		throw error;
	}
}
