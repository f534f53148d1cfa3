import type {Fd} from '../../kernel/sys/fd.js';
import {pinObject, unpinPath} from './pin.js';

/** Something in the kernel, by a file descriptor that `close()` gives back. */
export abstract class KernelObject implements Disposable {
	/** What it is, in errors: `map "flows"`. */
	private readonly what: string;
	private readonly handle: Fd;

	protected constructor(handle: Fd, what: string) {
		this.handle = handle;
		this.what = what;
	}

	/** *Throws:* `ERR_USAGE` once it is closed. */
	get fd(): number {
		return this.handle.number;
	}

	get closed(): boolean {
		return this.handle.closed;
	}

	/**
	 * Keeps it alive by `path` in a bpf filesystem; directories are made.
	 *
	 * *Throws:* `ERR_BPFFS`, `ERR_PIN`.
	 */
	pin(path: string): void {
		pinObject(this.fd, path, this.what);
	}

	/** Removes a pin of it. *Throws:* `ERR_PIN`. */
	unpin(path: string): void {
		unpinPath(path);
	}

	close(): void {
		this.handle.close();
	}

	[Symbol.dispose](): void {
		this.close();
	}
}
