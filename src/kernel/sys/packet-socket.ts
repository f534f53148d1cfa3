/** Packet sockets: the frames of an interface, in this network namespace or that of an fd. */

import {constants} from 'node:os';

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {addon} from './addon.js';
import {Fd} from './fd.js';
import {NamespaceError} from './namespace.js';
import {Poller} from './poller.js';

/** A frame as it passed an interface. */
export interface Frame {
	/** Nanoseconds since 1970. */
	readonly at: bigint;
	/** Name of the interface. */
	readonly interface: string;
	/** From the host's view. */
	readonly direction: 'in' | 'out';
	/** Ethernet header first, VLAN tags included; at most 64 KiB. */
	readonly bytes: Uint8Array;
	/** How many bytes it had, which may be more. */
	readonly length: number;
	/** The sender left the TCP or UDP checksum to a device that never got to it. */
	readonly checksumMissing: boolean;
}

const {ENETDOWN} = constants.errno;
const bufferSize = 1 << 20;
const maxRows = 512;
const rowWords = 8;
const outgoing = 4;
const checksumNotReady = 8;
const secondNs = 1_000_000_000n;

/** Frames that the kernel keeps until they are read. */
export class PacketSocket {
	private readonly fd: Fd;
	private readonly poller: Poller;
	private readonly device: string;
	private readonly bytes = new Uint8Array(bufferSize);
	private readonly table = new Uint8Array(maxRows * rowWords * 4);
	private drops = 0;

	/** `kept` is the bytes that frames may take that wait. *Throws:* `ERR_NAMESPACE`. */
	constructor(device: string, ifindex: number, kept: number, netns: number) {
		const what = `capture frames of interface "${device}"`;
		const fd = addon.packetOpen(ifindex, kept, netns);
		if (fd < 0) throw new NamespaceError(what, -fd);
		this.device = device;
		this.fd = new Fd(fd, `capture of interface "${device}"`);
		this.poller = new Poller(`capture of interface "${device}"`);
		const added = this.poller.add(fd);
		if (added === 0) return;
		this.close();
		throw new NamespaceError(what, -added);
	}

	get closed(): boolean {
		return this.fd.closed;
	}

	/** The frames that wait, as many as fit into a mebibyte. *Throws:* `ERR_NAMESPACE`. */
	read(): Frame[] {
		const read = () => addon.packetRead(this.fd.number, this.bytes, this.table);
		const first = read();
		// Said once when the interface goes down; it may come up again, and frames may wait.
		const rows = first === -ENETDOWN ? read() : first;
		if (rows < 0) throw new NamespaceError('read frames', -rows);
		return Array.from({length: rows}, (_, row) => this.frame(row));
	}

	private frame(row: number): Frame {
		const view = viewOf(this.table);
		const word = (i: number): number =>
			view.getUint32((row * rowWords + i) * 4, hostLittleEndian);
		const [offset, size] = [word(0), word(1)];
		const seconds = BigInt(word(3)) | (BigInt(word(4)) << 32n);
		return {
			at: seconds * secondNs + BigInt(word(5)),
			interface: this.device,
			direction: word(6) === outgoing ? 'out' : 'in',
			bytes: this.bytes.slice(offset, offset + size),
			length: word(2),
			checksumMissing: (word(7) & checksumNotReady) !== 0,
		};
	}

	/** Frames that there was no room for. */
	get lost(): number {
		if (!this.fd.closed) this.drops += Math.max(0, addon.packetDrops(this.fd.number));
		return this.drops;
	}

	/** Until a frame waits, or `stop` is called. */
	async wait(): Promise<void> {
		return this.poller.wait();
	}

	/** Ends a wait. */
	stop(): void {
		this.poller.stop();
	}

	/** What was lost until then is still told. */
	close(): void {
		this.drops = this.lost;
		this.poller.close();
		this.fd.close();
	}
}
