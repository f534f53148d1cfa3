/** Hooks that any number of programs share, or that nobody's predecessor waits on. */

import {UsageError} from '../../base/errors.js';
import {attachIterator, type IteratorTarget} from '../link/attach-iterator.js';
import {attachKprobe, attachKprobeMulti} from '../link/attach-kprobe.js';
import {attachNetfilter, type AttachNetfilterOptions} from '../link/attach-netfilter.js';
import {attachNetkit, type AttachNetkitOptions} from '../link/attach-netkit.js';
import {attachNetns} from '../link/attach-netns.js';
import {attachPerfEvent, type AttachPerfEventOptions} from '../link/attach-perf-event.js';
import {attachRawTracepoint} from '../link/attach-raw-tracepoint.js';
import {attachSocket} from '../link/attach-socket.js';
import {attachSockmap} from '../link/attach-sockmap.js';
import {attachTracepoint} from '../link/attach-tracepoint.js';
import {attachFreplace, attachLsm, attachTracing} from '../link/attach-tracing.js';
import {attachUprobe, attachUprobeMulti} from '../link/attach-uprobe.js';
import type {Link} from '../link/link.js';
import {LinkError} from '../link/link-error.js';
import type {Program} from '../program/program.js';

/** Where a program shall run that its section does not say enough of. */
export type SectionTarget =
	/** sk_lookup, flow_dissector: path of a network namespace, or number of a process in it. */
	| {readonly netns: string | number}
	| {readonly netfilter: AttachNetfilterOptions}
	/** sk_msg, sk_skb. */
	| {readonly sockmap: {readonly fd: number; readonly name: string}}
	| ({readonly netkit: string | number} & AttachNetkitOptions)
	| {readonly iterator: IteratorTarget}
	/** socket_filter, sk_reuseport: a descriptor. */
	| {readonly socket: number}
	| {readonly event: AttachPerfEventOptions};

/** Is it a target of this file, rather than of one that programs take over from each other? */
export function isSectionTarget(target: object): target is SectionTarget {
	const keys = ['netfilter', 'sockmap', 'netkit', 'iterator', 'socket', 'event'];
	if (keys.some(key => key in target)) return true;
	return 'netns' in target && !['xdp', 'tcx', 'cgroup'].some(key => key in target);
}

/**
 * Attaches a program where its section says (`kprobe/do_exit`, `tp/sched/sched_switch`,
 * `fentry/tcp_connect`, `uprobe//usr/bin/node:main`, `iter/task`, …), or to the target that
 * programs of its type need.
 *
 * *Throws:* `ERR_USAGE` where its section does not say enough, `ERR_LINK`.
 */
export function attachSection(program: Program, target?: SectionTarget): Link {
	if (target !== undefined) return attachTo(program, target);
	switch (program.type) {
		case 'kprobe':
			return attachProbe(program);
		case 'tracepoint':
			return attachTracepoint(program);
		case 'raw_tracepoint':
		case 'raw_tracepoint_writable':
			return attachRawTracepoint(program);
		case 'tracing':
			return program.attachType === 'trace_iter'
				? attachIterator(program)
				: attachTracing(program);
		case 'lsm':
			return attachLsm(program);
		case 'ext':
			return attachFreplace(program);
		case 'lwt_in':
		case 'lwt_out':
		case 'lwt_xmit':
		case 'lwt_seg6local':
			throw new LinkError(
				`attach program "${program.name}"`,
				`programs of type ${program.type} belong to routes: pin it, and name the pin to ip-route(8)`,
			);
		default:
			throw new UsageError(
				`attach program "${program.name}": its section does not say where; give a target`,
			);
	}
}

function attachTo(program: Program, target: SectionTarget): Link {
	if ('netfilter' in target) return attachNetfilter(program, target.netfilter);
	if ('sockmap' in target) return attachSockmap(program, target.sockmap);
	if ('netkit' in target) return attachNetkit(program, target.netkit, target);
	if ('iterator' in target) return attachIterator(program, target.iterator);
	if ('socket' in target) return attachSocket(program, target.socket);
	if ('event' in target) return attachPerfEvent(program, target.event);
	return attachNetns(program, {netns: target.netns});
}

/** `kprobe` and its kin: sections tell apart what is one type to the kernel. */
function attachProbe(program: Program): Link {
	const {section = '', attachTarget, attachType} = program;
	if (!/^\??u(?:ret)?probe/.test(section)) {
		if (attachType === undefined) return attachKprobe(program);
		return attachKprobeMulti(program, attachTarget === undefined ? [] : [attachTarget]);
	}

	if (attachType === undefined) return attachUprobe(program);
	const colon = attachTarget?.lastIndexOf(':') ?? -1;
	if (attachTarget === undefined || colon <= 0) {
		throw new UsageError(
			`attach program "${program.name}": its section names no file and function`,
		);
	}

	return attachUprobeMulti(program, attachTarget.slice(0, colon), [
		attachTarget.slice(colon + 1),
	]);
}
