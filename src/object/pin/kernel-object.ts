import {UsageError} from '../../base/errors.js';
import type {Fd} from '../../kernel/sys/fd.js';
import {pinObject, unpinPath} from './pin.js';

/** Something in the kernel, by a file descriptor that `close()` gives back. */
export abstract class KernelObject implements Disposable {
	/** What it is, in errors: `map "flows"`. */
	private readonly what: string;
	private readonly handle: Fd | undefined;

	/** Without a handle it is nothing that the kernel gives a descriptor to. */
	protected constructor(handle: Fd | undefined, what: string) {
		this.handle = handle;
		this.what = what;
	}

	/** *Throws:* `ERR_USAGE` once it is closed. */
	get fd(): number {
		if (this.handle === undefined)
			throw new UsageError(`use ${this.what}: it has no descriptor`);
		return this.handle.number;
	}

	get closed(): boolean {
		return this.handle?.closed ?? false;
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

	/** Closes the descriptor; what else holds the object keeps it. */
	close(): void {
		this.handle?.close();
	}

	/** Closes it. */
	[Symbol.dispose](): void {
		this.close();
	}
}
