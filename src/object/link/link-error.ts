import {EbpfError} from '../../base/errors.js';

/** A program could not be attached, replaced or detached. */
export class LinkError extends EbpfError {
	static {
		this.prototype.name = 'LinkError';
	}

	readonly code = 'ERR_LINK';

	/** `action` says what was tried on what: `attach program "drop" to xdp of "veth0"`. */
	constructor(
		action: string,
		detail: string,
		options: {cause?: unknown; errno?: number | undefined} = {},
	) {
		super(`${action}: ${detail}`, options);
	}
}
