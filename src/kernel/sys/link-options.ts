/** What `link_create` takes besides program, target and attach type, for the hooks that want more. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import type {Pointers} from './addon.js';
import {Attr, cText} from './attr.js';

export interface NetfilterOptions {
	readonly kind: 'netfilter';
	readonly family: number;
	readonly hook: number;
	readonly priority: number;
	readonly flags: number;
}

export interface TracingOptions {
	readonly kind: 'tracing';
	/** Type id of a function in the program that is the target; 0: what the program was loaded for. */
	readonly targetBtfId: number;
	readonly cookie: bigint;
}

export interface PerfEventOptions {
	readonly kind: 'perf_event';
	readonly cookie: bigint;
}

/** `union bpf_iter_link_info`; nothing for an iterator over all there is. */
export interface IteratorOptions {
	readonly kind: 'iterator';
	readonly mapFd?: number;
	readonly cgroup?: {readonly fd: number; readonly order: number};
	readonly task?: {readonly tid?: number; readonly pid?: number};
}

export interface KprobeMultiOptions {
	readonly kind: 'kprobe_multi';
	readonly flags: number;
	readonly addresses: readonly bigint[];
	readonly cookies?: readonly bigint[] | undefined;
}

export interface UprobeMultiOptions {
	readonly kind: 'uprobe_multi';
	readonly path: string;
	readonly flags: number;
	readonly offsets: readonly bigint[];
	readonly cookies?: readonly bigint[] | undefined;
	/** 0: every process. */
	readonly pid: number;
}

export type LinkOptions =
	| NetfilterOptions
	| TracingOptions
	| PerfEventOptions
	| IteratorOptions
	| KprobeMultiOptions
	| UprobeMultiOptions;

/** An image of `link_create` with these options filled in. */
export function linkOptions(options: LinkOptions): {attr: Attr; pointers: Pointers} {
	switch (options.kind) {
		case 'netfilter': {
			const {family, hook, priority, flags} = options;
			const attr = new Attr(32).u32(16, family).u32(20, hook).u32(24, priority);
			return {attr: attr.u32(28, flags), pointers: []};
		}

		case 'tracing': {
			const {targetBtfId, cookie} = options;
			return {attr: new Attr(32).u32(16, targetBtfId).u64(24, cookie), pointers: []};
		}

		case 'perf_event':
			return {attr: new Attr(24).u64(16, options.cookie), pointers: []};
		case 'iterator': {
			const info = iteratorInfo(options);
			if (info === undefined) return {attr: new Attr(16), pointers: []};
			return {attr: new Attr(32).u32(24, info.length), pointers: [16, info]};
		}

		case 'kprobe_multi': {
			const {addresses, flags, cookies} = options;
			const attr = new Attr(48).u32(16, flags).u32(20, addresses.length);
			return {attr, pointers: [32, words(addresses), 40, cookies ? words(cookies) : null]};
		}

		case 'uprobe_multi': {
			const {path, offsets, flags, cookies, pid} = options;
			const attr = new Attr(64).u32(48, offsets.length).u32(52, flags).u32(56, pid);
			const given = cookies ? words(cookies) : null;
			return {attr, pointers: [16, cText(path), 24, words(offsets), 40, given]};
		}
	}
}

function iteratorInfo({mapFd, cgroup, task}: IteratorOptions): Uint8Array | undefined {
	if (mapFd !== undefined) return new Attr(16).u32(0, mapFd).bytes;
	if (cgroup !== undefined) return new Attr(16).u32(0, cgroup.order).u32(4, cgroup.fd).bytes;
	if (task !== undefined) {
		return new Attr(16).u32(0, task.tid ?? 0).u32(4, task.pid ?? 0).bytes;
	}

	return undefined;
}

function words(values: readonly bigint[]): Uint8Array {
	const bytes = new Uint8Array(values.length * 8);
	const view = viewOf(bytes);
	for (const [index, value] of values.entries()) {
		view.setBigUint64(index * 8, value, hostLittleEndian);
	}

	return bytes;
}
