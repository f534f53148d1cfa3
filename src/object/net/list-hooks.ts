import {readdirSync} from 'node:fs';
import {join} from 'node:path';

import {mountsOf} from '../../kernel/host/mounts.js';
import {interfaces} from '../../kernel/sys/interfaces.js';
import {attachTypes, type AttachType} from '../../uapi/attach-types.js';
import {LinkError} from '../link/link-error.js';
import {listLinks} from '../link/list-links.js';
import {openNamespace, type NamespaceOptions} from '../link/target.js';
import {closeSync} from 'node:fs';
import {queryCgroup, queryTcx, type HookProgram} from './query.js';

/** A hook that runs at least one program. */
export interface Hook {
	readonly kind: 'xdp' | 'tcx' | 'cgroup';
	readonly attachType: AttachType;
	/** The interface's name, or the cgroup's path. */
	readonly target: string;
	readonly ifindex?: number;
	/** In the order they run. */
	readonly programs: readonly HookProgram[];
}

/**
 * What runs on the interfaces of a network namespace: XDP programs held by links, and tcx programs.
 *
 * Programs attached by netlink (XDP without a link, clsact filters) are not listed.
 */
export function* listInterfaceHooks(options: NamespaceOptions = {}): Generator<Hook> {
	const xdp = options.netns === undefined ? xdpLinks() : new Map<number, HookProgram[]>();
	for (const {ifindex, name} of interfacesIn(options)) {
		const programs = xdp.get(ifindex);
		if (programs !== undefined) {
			yield {kind: 'xdp', attachType: 'xdp', target: name, ifindex, programs};
		}

		for (const direction of ['ingress', 'egress'] as const) {
			const state = ifAny(() => queryTcx(ifindex, direction, options).programs);
			if (state.length > 0) {
				const attachType = `tcx_${direction}` as const;
				yield {kind: 'tcx', attachType, target: name, ifindex, programs: state};
			}
		}
	}
}

function interfacesIn(options: NamespaceOptions) {
	if (options.netns === undefined) return interfaces();
	const netns = openNamespace('list hooks', options.netns);
	try {
		return interfaces(netns);
	} finally {
		closeSync(netns);
	}
}

/** Links name the interface by number only, so those of other namespaces cannot be told apart. */
function xdpLinks(): Map<number, HookProgram[]> {
	const found = new Map<number, HookProgram[]>();
	for (const {type, ifindex = 0, programId, id} of listLinks()) {
		if (type === 'xdp' && ifindex !== 0) found.set(ifindex, [{programId, linkId: id}]);
	}

	return found;
}

const cgroupTypes = Object.keys(attachTypes).filter(
	name => name.startsWith('cgroup_') && name !== 'cgroup_sock_ops_unspec',
) as AttachType[];

/** What runs on the cgroups at and below `root`; on every cgroup of the host unless given. */
export function* listCgroupHooks(root?: string): Generator<Hook> {
	const roots = root === undefined ? mountsOf('cgroup2').map(mount => mount.path) : [root];
	for (const path of new Set(roots)) yield* walkCgroups(path);
}

function* walkCgroups(path: string): Generator<Hook> {
	for (const attachType of cgroupTypes) {
		const programs = ifAny(() => queryCgroup(path, attachType).programs);
		if (programs.length > 0) yield {kind: 'cgroup', attachType, target: path, programs};
	}

	for (const entry of subdirectories(path)) yield* walkCgroups(join(path, entry));
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
