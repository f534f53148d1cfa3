import {UsageError} from '../../base/errors.js';
import {addon} from './addon.js';

const leaked = new FinalizationRegistry<string>(what => {
	// Only a warning: closing a descriptor here could detach a live program.
	process.emitWarning(`${what} was garbage-collected without close()`, {
		type: 'SkepWarning',
		code: 'SKEP_LEAK',
	});
});

/** A file descriptor that its owner closes; the garbage collector never does, it only warns. */
export class Fd {
	private fd: number;
	private readonly what: string;

	/** `what` names the object in the warning about a leak: `map "flows"`. */
	constructor(fd: number, what: string) {
		this.fd = fd;
		this.what = what;
		leaked.register(this, what, this);
	}

	/** *Throws:* `ERR_USAGE` once it is closed. */
	get number(): number {
		if (this.fd < 0) throw new UsageError(`use ${this.what}: it is closed`);
		return this.fd;
	}

	get closed(): boolean {
		return this.fd < 0;
	}

	/** Closing twice is harmless: the number may long belong to someone else. */
	close(): void {
		if (this.fd < 0) return;
		const fd = this.fd;
		this.fd = -1;
		leaked.unregister(this);
		addon.closeFd(fd);
	}
}
