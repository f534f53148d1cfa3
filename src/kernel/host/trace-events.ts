/** Where perf finds probes and tracepoints: PMUs of sysfs, ids of tracefs. */

import {readFileSync} from 'node:fs';

import {EbpfError} from '../../base/errors.js';
import {mountsOf} from './mounts.js';

/** The kernel offers no probe of a kind, or does not say how to reach a tracepoint. */
export class TraceEventError extends EbpfError {
	static {
		this.prototype.name = 'TraceEventError';
	}

	readonly code = 'ERR_TRACE_EVENT';
}

export interface ProbeSource {
	/** `type` of the perf event. */
	readonly type: number;
	/** Bits of `config` for a probe of the function's return. */
	readonly returnBit: bigint;
}

const features = {
	kprobe: {config: 'CONFIG_KPROBE_EVENTS', since: '4.17'},
	uprobe: {config: 'CONFIG_UPROBE_EVENTS', since: '4.17'},
} as const;

/** *Throws:* `ERR_TRACE_EVENT` when the kernel has no such probes. */
export function probeSource(kind: keyof typeof features, root = '/sys'): ProbeSource {
	const folder = `${root}/bus/event_source/devices/${kind}`;
	try {
		const type = Number(readFileSync(`${folder}/type`, 'utf8'));
		const format = readFileSync(`${folder}/format/retprobe`, 'utf8');
		const bit = /^config:(\d+)$/m.exec(format)?.[1] ?? '0';
		return {type, returnBit: 1n << BigInt(bit)};
	} catch (cause) {
		const {config, since} = features[kind];
		throw new TraceEventError(
			`find ${kind}s: the kernel has none (built without ${config}, or before ${since}), or /sys is not mounted`,
			{cause},
		);
	}
}

/** The number of `category/name`. *Throws:* `ERR_TRACE_EVENT`. */
export function tracepointId(category: string, name: string, mountinfo?: string): number {
	const what = `find tracepoint "${category}/${name}"`;
	const word = /^[\w.-]+$/;
	if (!word.test(category) || !word.test(name) || /^\.+$/.test(category)) {
		throw new TraceEventError(`${what}: a tracepoint is named category/name`);
	}

	const [root] = [
		...mountsOf('tracefs', mountinfo).map(({path}) => path),
		...mountsOf('debugfs', mountinfo).map(({path}) => `${path}/tracing`),
	];
	if (root === undefined) {
		throw new TraceEventError(
			`${what}: tracefs is not mounted; 'mount -t tracefs tracefs /sys/kernel/tracing' first, or attach to the raw tracepoint "${name}"`,
		);
	}

	try {
		return Number(readFileSync(`${root}/events/${category}/${name}/id`, 'utf8'));
	} catch (cause) {
		const {code} = cause as NodeJS.ErrnoException;
		const detail =
			code === 'ENOENT' ? 'the kernel has none of this name' : (cause as Error).message;
		throw new TraceEventError(`${what}: ${detail}`, {cause});
	}
}
