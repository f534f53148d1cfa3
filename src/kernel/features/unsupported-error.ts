import {EbpfError} from '../../base/errors.js';
import {kernelRelease} from '../host/kernel-version.js';

/** The running kernel does not have a feature. */
export class UnsupportedError extends EbpfError {
	static {
		this.prototype.name = 'UnsupportedError';
	}

	readonly code = 'ERR_UNSUPPORTED';
	/** What is missing: `tcx link`. */
	readonly feature: string;
	/** First kernel that has it: `6.6`; undefined where no kernel does. */
	readonly since: string | undefined;

	constructor(
		action: string,
		feature: string,
		since: string | undefined,
		options: {cause?: unknown; errno?: number} = {},
	) {
		const needs = since === undefined ? 'this kernel has no' : `needs kernel ${since} for`;
		super(`${action}: ${needs} ${feature} (this is ${kernelRelease})`, options);
		this.feature = feature;
		this.since = since;
	}
}
