import type {LinkType} from './link-type.js';

/** A packet as a capture file holds it. */
export interface CapturedPacket {
	/** Nanoseconds since 1970; undefined where the file has none (simple packet blocks). */
	readonly at: bigint | undefined;
	/** What was captured of it, as its interface's link type says. */
	readonly bytes: Uint8Array;
	/** Bytes that it had on the wire: at least as many as were captured. */
	readonly originalLength: number;
	/** Index in the list of interfaces; of a file with several sections, in the list of all. */
	readonly interface: number;
	/** From the view of the host that captured, where the file says so. */
	readonly direction: 'in' | 'out' | undefined;
	/** Several comments of one packet are lines of this. */
	readonly comment: string | undefined;
}

/** An interface as a capture file describes it. */
export interface CaptureInterface {
	readonly name: string | undefined;
	readonly description: string | undefined;
	readonly linkType: LinkType;
	/** The most bytes that were captured of a packet; 0 says that there was no limit. */
	readonly snapLength: number;
	/** 1000000n for microseconds. */
	readonly ticksPerSecond: bigint;
	/** Which section of the file it belongs to, from 0. */
	readonly section: number;
}

/** How many blocks were passed over, of each kind. */
export interface SkippedBlocks {
	/** Interface statistics. */
	statistics: number;
	/** Name resolution. */
	names: number;
	/** Custom blocks, which only their maker understands. */
	custom: number;
	/** Whatever else. */
	other: number;
}

/** A packet to be written; what a reader gives fits. */
export interface PacketToWrite {
	/** Nanoseconds since 1970. */
	readonly at: bigint | undefined;
	readonly bytes: Uint8Array;
	/** Bytes that it had on the wire; as many as `bytes` has unless given. */
	readonly originalLength?: number | undefined;
	/** Index of the interface; 0 unless given. */
	readonly interface?: number | undefined;
	readonly direction?: 'in' | 'out' | undefined;
	readonly comment?: string | undefined;
}

/** An interface that packets are written for. */
export interface InterfaceToWrite {
	readonly name?: string | undefined;
	readonly description?: string | undefined;
	/** `ethernet` unless given. */
	readonly linkType?: LinkType;
	/** Longer packets are cut to this; 262144, the most that tcpdump reads, unless given. */
	readonly snapLength?: number;
}
