import {EbpfError} from '../../base/errors.js';

/** A capture file is damaged, ends too early, holds what is not supported, or cannot be written. */
export class PcapError extends EbpfError {
	static {
		this.prototype.name = 'PcapError';
	}

	readonly code = 'ERR_PCAP';
	/** Where in the file the packet or block starts that is wrong. */
	declare readonly offset?: number;
	/** True when the file ends inside a packet or block, as after a crash; all before it is whole. */
	readonly truncated: boolean;

	constructor(
		message: string,
		about: {
			cause?: unknown;
			errno?: number | undefined;
			offset?: number;
			truncated?: boolean;
		} = {},
	) {
		super(message, about);
		if (about.offset !== undefined) this.offset = about.offset;
		this.truncated = about.truncated ?? false;
	}

	/** Of a failed call of the operating system. `what` is `read capture "a.pcap"`. */
	static of(what: string, cause: unknown): PcapError {
		const {message, errno} = cause as NodeJS.ErrnoException;
		const known = errno === undefined ? undefined : Math.abs(errno);
		return new PcapError(`${what}: ${message}`, {cause, errno: known});
	}
}
