/** Kinds of link: each is asked for where it cannot be had, so that nothing is attached. */

import {constants} from 'node:os';

import {attachTypeNumber, type AttachType} from '../../uapi/attach-types.js';
import {linkTypeSince, type LinkType} from '../../uapi/link-types.js';
import type {ProgramType} from '../../uapi/program-types.js';
import type {LinkOptions} from '../sys/link-options.js';
import {linkCreate, rawTracepointOpen} from '../sys/link.js';
import {answerOf, no, unknown, yes, type Answer} from './answer.js';
import type {Feature} from './feature.js';
import {kernelTypeId, tryKernelBtf} from './kernel-types.js';
import {errnoFrom, tryOpen, withProgram} from './try.js';

const {EBADF, ENODEV, ENOENT, EAFNOSUPPORT} = constants.errno;

interface Try {
	readonly type: ProgramType;
	readonly attach: AttachType;
	/** The program is of no attach type. */
	readonly anywhere?: true;
	/** A descriptor that is none, or a device that there is not. */
	readonly target: -1 | 0;
	readonly options?: LinkOptions;
	/** What a kernel that has the link says of the target. */
	readonly says: number;
}

const nowhere = {target: -1, says: EBADF} as const;
const noDevice = {target: 0, says: ENODEV} as const;
const userProbe = {path: '/', flags: 0, offsets: [1n], pid: 0} as const;
const netfilter = {family: 0, hook: 0, priority: 0, flags: 0} as const;

const tries = {
	cgroup: {type: 'cgroup_skb', attach: 'cgroup_inet_ingress', ...nowhere},
	netns: {type: 'sk_lookup', attach: 'sk_lookup', ...nowhere},
	perf_event: {type: 'tracepoint', attach: 'perf_event', anywhere: true, ...nowhere},
	kprobe_multi: {
		type: 'kprobe',
		attach: 'trace_kprobe_multi',
		target: 0,
		options: {kind: 'kprobe_multi', flags: 0, addresses: [1n]},
		says: ENOENT,
	},
	netfilter: {
		type: 'netfilter',
		attach: 'netfilter',
		target: 0,
		options: {kind: 'netfilter', ...netfilter},
		says: EAFNOSUPPORT,
	},
	tcx: {type: 'sched_cls', attach: 'tcx_ingress', ...noDevice},
	uprobe_multi: {
		type: 'kprobe',
		attach: 'trace_uprobe_multi',
		target: 0,
		options: {kind: 'uprobe_multi', ...userProbe},
		says: EBADF,
	},
	netkit: {type: 'sched_cls', attach: 'netkit_primary', ...noDevice},
	sockmap: {type: 'sk_msg', attach: 'sk_msg_verdict', ...nowhere},
} as const satisfies Partial<Record<LinkType, Try>>;

function tryLink({type, attach, anywhere, target, options, says}: Try): Answer {
	const result = withProgram({type, ...(!anywhere && {attach})}, programFd =>
		tryOpen(() =>
			linkCreate({
				programFd,
				target,
				attachType: attachTypeNumber(attach),
				flags: 0,
				options,
			}),
		),
	);
	return answerOf(result, [says]);
}

/** An iterator does nothing until somebody reads from it. */
function iterator(): Answer {
	const attachTypeId = kernelTypeId('func', ['bpf_iter_task', 'bpf_iter_bpf_map']);
	if (attachTypeId === undefined) return no;
	const result = withProgram({type: 'tracing', attach: 'trace_iter', attachTypeId}, programFd =>
		tryOpen(() =>
			linkCreate({
				programFd,
				target: 0,
				attachType: attachTypeNumber('trace_iter'),
				flags: 0,
			}),
		),
	);
	return answerOf(result);
}

/**
 * What cannot be tried without attaching something is looked up in the kernel's own list of kinds.
 */
function listed(type: LinkType): Answer {
	const name = `BPF_LINK_TYPE_${type.toUpperCase()}`;
	const kinds = tryKernelBtf()?.find('bpf_link_type', 'enum');
	if (kinds === undefined) return unknown('the kernel has no types to look it up in');
	return kinds.values.some(each => each.name === name) ? yes : no;
}

const probes: Partial<Record<LinkType, () => Answer>> = {
	raw_tracepoint: () =>
		answerOf(
			errnoFrom(() => rawTracepointOpen(-1, '')),
			[EBADF],
		),
	tracing: () => listed('tracing'),
	iter: iterator,
	xdp: () => listed('xdp'),
	struct_ops: () => listed('struct_ops'),
};

/** Kinds of link, as `link:tcx`. */
export function linkFeatures(): Feature[] {
	return [
		...(Object.keys(probes) as (keyof typeof probes)[]),
		...(Object.keys(tries) as (keyof typeof tries)[]),
	].map((type): Feature => ({
		name: `link:${type}`,
		group: 'link',
		since: linkTypeSince(type),
		probe: probes[type] ?? (() => tryLink(tries[type as keyof typeof tries])),
	}));
}
