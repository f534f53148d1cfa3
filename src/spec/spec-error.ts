import {EbpfError} from '../base/errors.js';

/** What an error is about, as far as it is known. */
export interface SpecFacts {
	readonly file?: string;
	readonly section?: string;
	readonly program?: string;
	readonly map?: string;
	readonly variable?: string;
	readonly symbol?: string;
}

/** An object file says something that cannot be loaded, or that is not understood. */
export class SpecError extends EbpfError {
	static {
		this.prototype.name = 'SpecError';
	}

	readonly code = 'ERR_SPEC';
	declare readonly file?: string;
	declare readonly section?: string;
	declare readonly program?: string;
	declare readonly map?: string;
	declare readonly variable?: string;
	declare readonly symbol?: string;

	constructor(message: string, facts: SpecFacts = {}, options: {cause?: unknown} = {}) {
		super(message, options);
		Object.assign(this, facts);
	}
}
