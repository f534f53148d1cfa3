import {EbpfError} from '../base/errors.js';

/** A generated module does not belong to the object it was given, or to this version of skep. */
export class GeneratedError extends EbpfError {
	static {
		this.prototype.name = 'GeneratedError';
	}

	readonly code = 'ERR_GENERATED';
	readonly object: string;

	constructor(object: string, detail: string) {
		super(`use generated types of "${object}": ${detail}; run "skep object gen" again`);
		this.object = object;
	}
}
