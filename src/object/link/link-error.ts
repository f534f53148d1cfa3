import {EbpfError} from '../../base/errors.js';
import type {Owner} from './owner.js';

/** A program could not be attached, replaced or detached. */
export class LinkError extends EbpfError {
	static {
		this.prototype.name = 'LinkError';
	}

	readonly code = 'ERR_LINK';
	/** Who holds the hook, where that is why. */
	declare readonly owner?: Owner;

	/** `action` says what was tried on what: `attach program "drop" to xdp of "veth0"`. */
	constructor(
		action: string,
		detail: string,
		options: {cause?: unknown; errno?: number | undefined; owner?: Owner | undefined} = {},
	) {
		super(`${action}: ${detail}`, options);
		if (options.owner !== undefined) this.owner = options.owner;
	}
}
