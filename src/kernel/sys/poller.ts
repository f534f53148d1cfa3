import {EbpfError} from '../../base/errors.js';
import {errnoName, errnoText} from '../../uapi/errno.js';
import {addon} from './addon.js';
import {MappedNumber} from './memory.js';

interface Waiting {
	wake: (() => void) | undefined;
}

/** The event loop could not wait for descriptors. */
export class PollError extends EbpfError {
	static {
		this.prototype.name = 'PollError';
	}

	readonly code = 'ERR_POLL';

	constructor(errno: number) {
		super(`wait for descriptors: ${errnoText(errno)} (${errnoName(errno)})`, {errno});
	}
}

/** Wakes who waits when one of its descriptors is readable. */
export class Poller {
	private readonly poller: MappedNumber;
	private readonly waiting: Waiting;

	/** `what` names it in the warning about a leak. */
	constructor(what: string) {
		// The addon holds the callback, and so all that it can reach: only who waits must be that.
		const waiting: Waiting = {wake: undefined};
		const opened = addon.pollOpen(() => waiting.wake?.());
		if (opened < 0) throw new PollError(-opened);
		this.poller = new MappedNumber(opened, what);
		this.waiting = waiting;
	}

	/** 0, or `-errno`. A descriptor leaves when its file is closed. */
	add(fd: number): number {
		return addon.pollAdd(this.poller.number, fd);
	}

	/** Until a descriptor is readable, or `stop` is called. Keeps the event loop alive meanwhile. */
	async wait(): Promise<void> {
		return new Promise((resolve, reject) => {
			this.waiting.wake = () => {
				this.waiting.wake = undefined;
				resolve();
			};
			const result = addon.pollWait(this.poller.number);
			if (result === 0) return;
			this.waiting.wake = undefined;
			reject(new PollError(-result));
		});
	}

	/** Ends a wait. */
	stop(): void {
		if (this.poller.closed) return;
		addon.pollStop(this.poller.number);
		this.waiting.wake?.();
	}

	close(): void {
		this.stop();
		this.poller.close();
	}
}
