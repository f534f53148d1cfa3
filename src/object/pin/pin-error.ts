import {EbpfError} from '../../base/errors.js';

/** A pin could not be made, opened or removed. */
export class PinError extends EbpfError {
	static {
		this.prototype.name = 'PinError';
	}

	readonly code = 'ERR_PIN';
	readonly path: string;

	constructor(
		action: string,
		path: string,
		detail: string,
		options: {cause?: unknown; errno?: number | undefined} = {},
	) {
		super(`${action} "${path}": ${detail}`, options);
		this.path = path;
	}
}
