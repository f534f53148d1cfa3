import {EbpfError} from '../base/errors.js';

/** Something about the datapath is not as it has to be. */
export class DatapathError extends EbpfError {
	static {
		this.prototype.name = 'DatapathError';
	}

	readonly code = 'ERR_DATAPATH';

	constructor(
		action: string,
		subject: string,
		detail: string,
		options: {cause?: unknown; errno?: number | undefined} = {},
	) {
		super(`${action} "${subject}": ${detail}`, options);
	}
}
