/** Events as they come from the datapath, read by name. */

import {formatIpv4, parseIpv6} from '../../base/address.js';
import {viewOf} from '../../base/bytes.js';
import type {Codec} from '../../format/codec/codec.js';
import {notifyCodec} from '../layout/notify-codec.js';
import type {
	DropNotify,
	PolicyVerdictNotify,
	TraceNotify,
	TraceSockNotify,
} from '../layout/notify.js';
import type {LayoutVersion} from '../layout/versions.js';
import {
	authTypes,
	ciliumSourceFiles,
	dropReasons,
	matchTypes,
	meaningOf,
	socketPoints,
	sourceFiles,
	tracePoints,
	traceReasons,
} from '../reasons.js';
import type {
	DropEvent,
	EventKind,
	PacketEvent,
	PolicyVerdictEvent,
	SocketEvent,
	TraceEvent,
	Verdict,
} from './events.js';

/** Kinds by their number in the first byte. */
export const kindOfType: Readonly<Record<number, EventKind>> = {
	1: 'drop',
	4: 'trace',
	5: 'policy-verdict',
	7: 'trace-sock',
};

const l3Flag = 2;
const toProxy = 1;
const encrypted = 0x80;

/** Reads events of one version's layout. */
export class EventFormat {
	private readonly drops: Codec<DropNotify>;
	private readonly traces: Codec<TraceNotify>;
	private readonly verdicts: Codec<PolicyVerdictNotify>;
	private readonly sockets: Codec<TraceSockNotify>;
	private readonly files: typeof sourceFiles;

	constructor(version: LayoutVersion = 'skep') {
		this.drops = notifyCodec('drop', version);
		this.traces = notifyCodec('trace', version);
		this.verdicts = notifyCodec('verdict', version);
		this.sockets = notifyCodec('traceSock', version);
		this.files = version === 'skep' ? sourceFiles : ciliumSourceFiles;
	}

	/** Bytes in front of the packet. */
	sizeOf(kind: EventKind): number {
		switch (kind) {
			case 'drop':
				return this.drops.size;
			case 'trace':
				return this.traces.size;
			case 'policy-verdict':
				return this.verdicts.size;
			case 'trace-sock':
				return this.sockets.size;
		}
	}

	/** The event that begins at `offset` and is `length` bytes long, with a copy of its packet. */
	read(
		kind: EventKind,
		view: DataView<ArrayBuffer>,
		offset: number,
		length: number,
		time: number,
	): DropEvent | TraceEvent | PolicyVerdictEvent | SocketEvent {
		const size = this.sizeOf(kind);
		const bytes = new Uint8Array(view.buffer, view.byteOffset + offset + size, length - size);
		switch (kind) {
			case 'drop':
				return this.drop(this.drops.decode(view, offset), bytes, time);
			case 'trace':
				return trace(this.traces.decode(view, offset), bytes, time);
			case 'policy-verdict':
				return verdict(this.verdicts.decode(view, offset), bytes, time);
			case 'trace-sock':
				return socket(this.sockets.decode(view, offset), time);
		}
	}

	private drop(event: DropNotify, bytes: Uint8Array, time: number): DropEvent {
		const {subtype, file} = event;
		return {
			kind: 'drop',
			reason: subtype,
			reasonText: meaningOf(dropReasons, subtype),
			extendedError: event.ext_error,
			sourceIdentity: event.src_label,
			destinationIdentity: event.dst_label,
			destinationEndpoint: event.dst_id,
			ifindex: event.ifindex,
			file: meaningOf(this.files, file),
			line: event.line,
			...common(event, bytes, time, ((event.flags ?? 0) & l3Flag) !== 0),
		};
	}
}

type Header = DropNotify | TraceNotify | PolicyVerdictNotify;

function common(event: Header, bytes: Uint8Array, time: number, isL3: boolean): PacketEvent {
	return {
		time,
		source: event.source,
		hash: event.hash,
		length: event.len_orig,
		packet: bytes.slice(0, event.len_cap),
		isL3,
	};
}

function trace(event: TraceNotify, bytes: Uint8Array, time: number): TraceEvent {
	const {subtype, reason, dst_id: destination, flags} = event;
	const isProxy = subtype === toProxy;
	return {
		kind: 'trace',
		point: meaningOf(tracePoints, subtype),
		reason: meaningOf(traceReasons, reason & ~encrypted),
		encrypted: (reason & encrypted) !== 0,
		sourceIdentity: event.src_label,
		destinationIdentity: event.dst_label,
		destinationEndpoint: isProxy ? 0 : destination,
		proxyPort: isProxy ? destination : 0,
		ifindex: event.ifindex,
		originalSource: event.orig_ip ?? null,
		...common(event, bytes, time, (flags & l3Flag) !== 0),
	};
}

function verdict(event: PolicyVerdictNotify, bytes: Uint8Array, time: number): PolicyVerdictEvent {
	const {verdict: number} = event;
	const reason = number < 0 ? -number : 0;
	return {
		kind: 'policy-verdict',
		verdict: verdictOf(event),
		reason,
		reasonText: reason === 0 ? '' : meaningOf(dropReasons, reason),
		proxyPort: Math.max(number, 0),
		direction: event.dir === 1 ? 'ingress' : 'egress',
		remoteIdentity: event.remote_label,
		protocol: event.proto,
		destinationPort: event.dst_port,
		match: meaningOf(matchTypes, event.match_type),
		authType: meaningOf(authTypes, event.auth_type),
		cookie: event.cookie ?? 0,
		...common(event, bytes, time, event.l3 ?? false),
	};
}

const socketProtocols = ['unknown', 'tcp', 'udp'] as const;

function socket(event: TraceSockNotify, time: number): SocketEvent {
	const address = parseIpv6(event.dst_ip);
	return {
		...{kind: 'trace-sock', time},
		point: meaningOf(socketPoints, event.xlate_point),
		protocol: socketProtocols[event.l4_proto] ?? 'unknown',
		address: event.ipv6 ? event.dst_ip : formatIpv4(viewOf(address), 0),
		port: event.dst_port,
		cookie: event.sock_cookie,
		cgroup: event.cgroup_id,
	};
}

function verdictOf({verdict: number, audited}: PolicyVerdictNotify): Verdict {
	if (audited) return 'audit';
	if (number < 0) return 'deny';
	return number > 0 ? 'redirect' : 'allow';
}
