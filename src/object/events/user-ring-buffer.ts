import {constants} from 'node:os';

import {viewOf} from '../../base/bytes.js';
import type {Codec} from '../../format/codec/codec.js';
import {MappedNumber} from '../../kernel/sys/memory.js';
import {userRingOpen, userRingWrite} from '../../kernel/sys/ring.js';
import {elementError, MapError} from '../map/map-error.js';
import type {BpfMap} from '../map/map.js';
import {eventCodec, type EventTypeOptions} from './event-codec.js';

const {E2BIG, EBADMSG, ENOSPC} = constants.errno;

/**
 * Sends events to programs (`BPF_MAP_TYPE_USER_RINGBUF`), which take them with
 * `bpf_user_ringbuf_drain`. Nothing wakes a program: it takes them when it runs.
 */
export class UserRingBuffer<T = unknown> implements Disposable {
	private readonly name: string;
	private readonly codec: Codec | undefined;
	private readonly ring: MappedNumber;
	private readonly bytes: Uint8Array;
	private readonly view: DataView;

	/** Use `openUserRingBuffer`. */
	constructor(map: BpfMap, codec: Codec | undefined) {
		this.name = map.name;
		this.codec = codec;
		this.bytes = new Uint8Array(codec?.size ?? 0);
		this.view = viewOf(this.bytes);
		const ring = userRingOpen(map.fd);
		if (ring < 0) throw elementError('map the pages of', map.name, -ring);
		this.ring = new MappedNumber(ring, `user ring buffer "${map.name}"`);
	}

	get closed(): boolean {
		return this.ring.closed;
	}

	/**
	 * Sends one event: an object of its type, or bytes. False when there is no room until programs
	 * have taken some; nothing is sent then.
	 *
	 * *Throws:* `ERR_CODEC`; `ERR_MAP` for one that is longer than the whole ring.
	 */
	write(event: T | Uint8Array): boolean {
		const result = userRingWrite(this.ring, this.bytesOf(event));
		if (result === 0) return true;
		if (result === -ENOSPC) return false;
		throw this.refused(result);
	}

	/** Unmaps the ring. */
	close(): void {
		this.ring.close();
	}

	/** Closes it. */
	[Symbol.dispose](): void {
		this.close();
	}

	private bytesOf(event: T | Uint8Array): Uint8Array {
		if (event instanceof Uint8Array) return event;
		if (this.codec === undefined) {
			throw new MapError('write to', this.name, 'its events have no type: write bytes');
		}

		this.codec.encode(event, this.view, 0);
		return this.bytes;
	}

	private refused(result: number): MapError {
		const detail =
			result === -E2BIG
				? 'the event is longer than the ring'
				: result === -EBADMSG
					? 'its pages make no sense: somebody else has written to them'
					: `error ${result}`;
		return new MapError('write to', this.name, detail, {errno: -result});
	}
}

/**
 * Opens a user ring buffer for writing; to be closed by the caller. One thread of one process at a
 * time may write to it: the kernel does not tell writers apart.
 *
 * *Kernel:* 6.1. *Throws:* `ERR_MAP`, `ERR_USAGE`, `ERR_CODEC`.
 */
export function openUserRingBuffer<T = unknown>(
	map: BpfMap,
	options: EventTypeOptions = {},
): UserRingBuffer<T> {
	if (map.info.type !== 'user_ringbuf') {
		const detail = `it is no user ring buffer but of type ${map.info.type}`;
		throw new MapError('write events to', map.name, detail);
	}

	return new UserRingBuffer<T>(map, eventCodec(map.name, map.types, options));
}
