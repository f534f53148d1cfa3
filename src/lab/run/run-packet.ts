import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {ProgramError} from '../../object/program/program-error.js';
import type {Program} from '../../object/program/program.js';
import type {RunResult} from '../../object/program/test-run.js';
import {
	contextKind,
	decodeContext,
	encodeContext,
	metadataLength,
	seesEthernet,
	type PacketContext,
} from './context.js';
import type {MapEffect} from './map-snapshot.js';
import {MapWatch, type UnwatchedMap, type WatchedMaps} from './map-watch.js';
import type {Packet} from '../packet/packet.js';
import {packetDifference, packetOf, type PacketLike} from './packet-like.js';

/** A packet on its way into a program. */
export interface PacketStep {
	/** From its Ethernet header on, whatever the program sees of it. */
	readonly packet: PacketLike;
	/** *Kernel:* 5.2 for tc, 5.15 for XDP. */
	readonly context?: PacketContext;
	/** XDP: what stands before the packet, a multiple of 4 bytes. *Kernel:* 5.15. */
	readonly metadata?: Uint8Array;
	/** Where several programs share maps: the one that gets this packet. */
	readonly program?: Program;
}

/** How packets are run. */
export interface RunPacketsOptions {
	/** See `WatchedMaps`; `[]` for none. */
	readonly maps?: WatchedMaps;
	/** Brings the watched maps back to where they were, when all packets were run. */
	readonly restore?: boolean;
}

/** How one packet is run. */
export interface RunPacketOptions
	extends RunPacketsOptions, Omit<PacketStep, 'packet' | 'program'> {}

/** What a program did with a packet. */
export interface PacketRun {
	/** The verdict's name, of XDP, tc and cgroup_skb: `pass`, `shot`, …; undefined for other types. */
	readonly verdict: string | undefined;
	/** The verdict as the program returned it. */
	readonly returnValue: number;
	/** What went in. */
	readonly packet: Packet;
	/** What came out. */
	readonly out: Packet;
	/** Where `out` differs from `packet`, field by field; undefined when it does not. */
	readonly diff: string | undefined;
	/** Nanoseconds, of one run that finds nothing in the CPU's caches; see `measureCases`. */
	readonly duration: number;
	/** What changed in the maps that were watched. */
	readonly effects: readonly MapEffect[];
	/** Maps of the program that were not watched, and why. */
	readonly unwatched: readonly UnwatchedMap[];
	/** The context as the program left it; empty on kernels that do not tell. */
	readonly context: PacketContext;
	/** XDP: what the program left before the packet. */
	readonly metadata: Uint8Array;
}

/**
 * Runs a program on a packet without attaching it, and tells what became of packet and maps.
 *
 * The maps keep what the program wrote, unless `restore` is set. Programs that only look at packets
 * of this size see it as the kernel would hand it over; for cgroup_skb and the like the Ethernet
 * header, which they do not see, comes out as it went in.
 *
 * *Throws:* `ERR_PROGRAM`, `ERR_MAP`; `ERR_USAGE` for a program that runs on something else.
 * *Kernel:* 4.12.
 */
export function runPacket(
	program: Program,
	packet: PacketLike,
	options: RunPacketOptions = {},
): PacketRun {
	const {maps, restore, ...step} = options;
	const [run] = runPackets(program, [{...step, packet}], {
		...(maps && {maps}),
		restore: restore === true,
	});
	if (run === undefined) throw new UsageError('run packet: none');
	return run;
}

/**
 * Runs packets one after the other against the same maps, which keep what each packet left in
 * them: a handshake through a conntrack. Each run has the effects of its own packet.
 *
 * *Throws:* as `runPacket`.
 */
export function runPackets(
	program: Program,
	packets: readonly (PacketLike | PacketStep)[],
	options: RunPacketsOptions = {},
): PacketRun[] {
	using watch = new MapWatch(options.maps ?? program);
	try {
		return packets.map(each => runStep(program, asStep(each), watch));
	} finally {
		if (options.restore === true) watch.restore();
	}
}

/** A packet alone is a step, too. */
export function asStep(given: PacketLike | PacketStep): PacketStep {
	return 'packet' in given ? given : {packet: given};
}

/** One packet; its effects are what changed since the watch's last step. */
export function runStep(program: Program, step: PacketStep, watch: MapWatch): PacketRun {
	const runner = step.program ?? program;
	const packet = packetOf(step.packet);
	const {result, bytes, context, metadata} = runBytes(runner, packet.bytes, step);
	const {verdict, returnValue, duration} = result;
	const out = packetOf(bytes);
	return {
		...{verdict, returnValue, packet, out, diff: packetDifference(packet, out), duration},
		effects: watch.step(),
		...{unwatched: watch.unwatched, context, metadata},
	};
}

interface BareRun extends Pick<PacketRun, 'context' | 'metadata'> {
	readonly result: RunResult;
	/** What came out. */
	readonly bytes: Uint8Array;
}

/** Room for what programs put before a packet or behind it. */
const headroom = 4096;

/** The run itself. *Throws:* `ERR_PROGRAM`, `ERR_USAGE`. */
export function runBytes(
	program: Program,
	packet: Uint8Array,
	step: Pick<PacketStep, 'context' | 'metadata'> & {readonly repeat?: number} = {},
): BareRun {
	const kind = contextKind(program.type);
	if (kind === undefined) {
		throw new UsageError(
			`run packet through program "${program.name}": a program of type ${program.type} does not run on packets`,
		);
	}

	const {context, metadata = new Uint8Array(0), repeat = 1} = step;
	if (metadata.length > 0 && kind !== 'xdp') {
		throw new UsageError(
			`run packet through program "${program.name}": only XDP has metadata before a packet`,
		);
	}

	const data = Buffer.concat([metadata, packet]);
	const contextIn = encodeContext(kind, context ?? {}, packet.length, metadata.length);
	const options = {data, repeat, headroom};
	const result = ((): RunResult => {
		try {
			return program.run({...options, context: contextIn});
		} catch (error) {
			if (context !== undefined || metadata.length > 0) throw error;
			if (!(error instanceof ProgramError) || error.errno !== constants.errno.EINVAL)
				throw error;
			// Kernels that take no context say so before they run anything.
			return program.run(options);
		}
	})();
	const told = result.context.length > 0;
	const before = kind === 'xdp' && told ? metadataLength(result.context) : 0;
	const out = result.data.slice(before);
	// The kernel takes the header away before the run, and puts zeros in its place after it.
	if (!seesEthernet(program.type)) out.set(packet.subarray(0, 14));
	return {
		result,
		bytes: out,
		context: told ? decodeContext(kind, result.context) : {},
		metadata: result.data.slice(0, before),
	};
}
