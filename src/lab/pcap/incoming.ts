import {UsageError} from '../../base/errors.js';
import {PcapError} from './pcap-error.js';

const smallest = 1 << 16;

/** The bytes of a stream: what came and was not taken yet. */
export class Incoming {
	private readonly what: string;
	private readonly open: () => AsyncIterable<unknown>;
	private source: AsyncIterator<unknown> | undefined;
	private store = new Uint8Array(smallest);
	private start = 0;
	private end = 0;

	constructor(what: string, open: () => AsyncIterable<unknown>) {
		this.what = what;
		this.open = open;
	}

	get held(): number {
		return this.end - this.start;
	}

	/** Waits for as many bytes to be held, or for the end. */
	async fill(size: number): Promise<void> {
		while (this.held < size && (await this.more()));
	}

	/** Passes over bytes without holding them. */
	async skip(size: number): Promise<void> {
		for (let left = size; ;) {
			const gone = Math.min(left, this.held);
			this.start += gone;
			left -= gone;
			if (left === 0 || !(await this.more())) return;
		}
	}

	/** As many bytes of those held; they are never written over. */
	take(size: number): Uint8Array {
		const taken = this.store.subarray(this.start, Math.min(this.start + size, this.end));
		this.start += taken.length;
		return taken;
	}

	/** The room grows with what came, not with what is wanted. */
	private async more(): Promise<boolean> {
		const piece = await this.next();
		if (piece === undefined) return false;
		if (piece.length > this.store.length - this.end) {
			const held = this.store.subarray(this.start, this.end);
			this.store = new Uint8Array(Math.max(smallest, 2 * (held.length + piece.length)));
			this.store.set(held);
			this.start = 0;
			this.end = held.length;
		}

		this.store.set(piece, this.end);
		this.end += piece.length;
		return true;
	}

	private async next(): Promise<Uint8Array | undefined> {
		let step;
		try {
			this.source ??= this.open()[Symbol.asyncIterator]();
			step = await this.source.next();
		} catch (error) {
			throw PcapError.of(this.what, error);
		}

		if (step.done === true) return undefined;
		if (step.value instanceof Uint8Array) return step.value;
		throw new UsageError(`${this.what}: the stream gives a ${typeof step.value}, not bytes`);
	}

	async close(): Promise<void> {
		await this.source?.return?.();
	}
}
