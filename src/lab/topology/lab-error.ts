import {EbpfError, isEbpfError} from '../../base/errors.js';

/** A lab could not be described, built, or taken down. */
export class LabError extends EbpfError {
	static {
		this.prototype.name = 'LabError';
	}

	readonly code = 'ERR_LAB';
	readonly lab: string;

	/** `what` is the verb and what follows the lab's name: `lay out`, `build`. */
	constructor(what: string, lab: string, detail: string, options: {cause?: unknown} = {}) {
		const errno = isEbpfError(options.cause) ? options.cause.errno : undefined;
		super(`${what} lab "${lab}": ${detail}`, {...options, errno});
		this.lab = lab;
	}
}
