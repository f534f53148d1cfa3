import {EbpfError, isEbpfError} from '../../base/errors.js';

/** Something that a host was to do was refused. */
export class HostError extends EbpfError {
	static {
		this.prototype.name = 'HostError';
	}

	readonly code = 'ERR_HOST';
	readonly host: string;

	/** `what` is the verb and its object: `listen on port 80`. */
	constructor(what: string, host: string, detail: string, options: {cause?: unknown} = {}) {
		const {cause} = options;
		const own = (cause as {errno?: unknown} | undefined)?.errno;
		const errno = typeof own === 'number' ? Math.abs(own) : undefined;
		super(`${what} in host "${host}": ${detail}`, {...options, errno});
		this.host = host;
	}

	/** The same of a failed call. */
	static of(what: string, host: string, cause: unknown): HostError {
		const {message} = cause as Error;
		const detail = isEbpfError(cause) ? message.slice(message.indexOf(': ') + 2) : message;
		return new HostError(what, host, detail, {cause});
	}
}
