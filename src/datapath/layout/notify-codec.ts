import type {Codec} from '../../format/codec/codec.js';
import {structCodec, typeIn} from './layouts.js';
import type {DropNotify, PolicyVerdictNotify, TraceNotify, TraceSockNotify} from './notify.js';
import type {LayoutVersion} from './versions.js';

/** Events by what they tell of. */
export interface NotifyRecords {
	drop: DropNotify;
	trace: TraceNotify;
	verdict: PolicyVerdictNotify;
	traceSock: TraceSockNotify;
}

const structs = {
	drop: 'drop_notify',
	trace: 'trace_notify',
	verdict: 'policy_verdict_notify',
	traceSock: 'trace_sock_notify',
} as const;

/** Reads and writes events of a version, skep's own unless given; the packet, if any, follows behind `size`. */
export function notifyCodec<N extends keyof NotifyRecords>(
	kind: N,
	version: LayoutVersion = 'skep',
): Codec<NotifyRecords[N]> {
	const type = typeIn(version, structs[kind]);
	if (type === undefined) throw new TypeError(`${version} has no ${structs[kind]}`);
	return structCodec(type) as Codec<NotifyRecords[N]>;
}
