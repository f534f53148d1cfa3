import type {Frame, PacketSocket} from '../../kernel/sys/packet-socket.js';
import {HostError} from './host-error.js';

/** What is captured. */
export interface CaptureOptions {
	/** Both unless given. */
	readonly direction?: 'in' | 'out';
	/** Frames that are left out when it says false. */
	readonly filter?: (frame: Frame) => boolean;
	/** Bytes that the kernel keeps of frames that were not read yet; 8 MiB unless given. */
	readonly buffer?: number;
}

/** What is captured until then counts as captured. */
const defaultTimeout = 1000;

/**
 * The frames of an interface from the moment it was opened, in the order in which they passed. They
 * wait in the kernel; who does not read loses those that no longer fit, which `lost` counts.
 */
export class Capture implements AsyncIterable<Frame> {
	private readonly host: string;
	private readonly interfaceName: string;
	private readonly socket: PacketSocket;
	private readonly accepts: (frame: Frame) => boolean;
	private readonly onClose: (capture: Capture) => void;
	/** Read and not given yet, from `next` on. */
	private queue: Frame[] = [];
	private next = 0;
	private waiting: Promise<void> | undefined;

	/** @internal */
	constructor(
		host: string,
		interfaceName: string,
		socket: PacketSocket,
		options: CaptureOptions,
		onClose: (capture: Capture) => void,
	) {
		const {direction, filter = () => true} = options;
		this.host = host;
		this.interfaceName = interfaceName;
		this.socket = socket;
		this.onClose = onClose;
		this.accepts = frame =>
			(direction === undefined || direction === frame.direction) && filter(frame);
	}

	/**
	 * All frames that are there, without waiting; once it is closed, those that had come until then.
	 * *Throws:* `ERR_NAMESPACE`.
	 */
	read(): Frame[] {
		this.fill();
		const frames = this.queue.slice(this.next);
		this.keep([]);
		return frames;
	}

	/** Takes over what waits in the kernel, but not what comes meanwhile: that may never end. */
	private fill(): void {
		const now = BigInt(Date.now() + 1) * 1_000_000n;
		let last: Frame | undefined;
		while (!this.socket.closed && (last?.at ?? 0n) <= now) {
			const read = this.socket.read();
			last = read.at(-1);
			if (last === undefined) return;
			this.queue.push(...read.filter(this.accepts));
		}
	}

	private keep(frames: Frame[]): void {
		this.queue = frames;
		this.next = 0;
	}

	/**
	 * The first frame, among those not read yet and those to come, that the function wants; those
	 * before it are passed over. `timeout` is in milliseconds, 1000 unless given.
	 *
	 * *Throws:* `ERR_HOST` when there was none in time.
	 */
	async find(wanted: (frame: Frame) => boolean, timeout = defaultTimeout): Promise<Frame> {
		const deadline = performance.now() + timeout;
		for (let passed = 0; ;) {
			const frames = this.read();
			const at = frames.findIndex(wanted);
			const found = frames[at];
			if (found !== undefined) {
				this.keep(frames.slice(at + 1));
				return found;
			}

			passed += frames.length;
			const left = deadline - performance.now();
			if (left > 0 && !this.socket.closed) {
				await this.wait(left);
				continue;
			}

			const what = `find frame of interface "${this.interfaceName}"`;
			const end = this.socket.closed ? 'until it was closed' : `within ${timeout} ms`;
			throw new HostError(what, this.host, `none of ${passed} was wanted ${end}`);
		}
	}

	/** Each frame as it comes; ends after the last that came before `close`. */
	async *[Symbol.asyncIterator](): AsyncIterator<Frame> {
		for (;;) {
			if (this.next === this.queue.length) this.keep(this.read());
			const frame = this.queue[this.next];
			if (frame !== undefined) {
				this.next++;
				yield frame;
			} else if (this.socket.closed) return;
			else await this.wait();
		}
	}

	/**
	 * Calls a function with each frame as it comes, the next one when it is done with the one before;
	 * resolves after `close`, when it was called with all that came before.
	 */
	async each(work: (frame: Frame) => unknown): Promise<void> {
		for await (const frame of this) await work(frame);
	}

	/** Until there may be frames, or it is closed, or time is up. */
	private async wait(milliseconds?: number): Promise<void> {
		this.waiting ??= this.socket.wait().finally(() => {
			this.waiting = undefined;
		});
		const timer =
			milliseconds === undefined
				? undefined
				: setTimeout(() => this.socket.stop(), milliseconds);
		try {
			await this.waiting;
		} finally {
			clearTimeout(timer);
		}
	}

	/** Frames that were lost because nobody read them. */
	get lost(): number {
		return this.socket.lost;
	}

	/** Captures no more: what came until now is still read, and then loops over it end. */
	close(): void {
		if (this.socket.closed) return;
		this.fill();
		this.socket.close();
		this.onClose(this);
	}

	/** As `close`. */
	[Symbol.dispose](): void {
		this.close();
	}
}
