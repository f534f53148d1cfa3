import {EbpfError} from '../../base/errors.js';
import type {Combination} from './parameters.js';

/** A combination that could not be measured. */
export interface Failure {
	/** Counted from 0; below while warming up. */
	readonly round: number;
	readonly parameters: Combination;
	/** The message of what the measuring function threw. */
	readonly message: string;
	/** ISO 8601. */
	readonly at: string;
}

/**
 * An experiment was stopped, or some of its combinations could not be measured.
 *
 * The others were, and are kept and reported; the next run tries those that failed again. `cause`
 * is what the measuring function threw first.
 */
export class ExperimentError extends EbpfError {
	static {
		this.prototype.name = 'ExperimentError';
	}

	readonly code = 'ERR_EXPERIMENT';
	readonly experiment: string;
	readonly failures: readonly Failure[];

	constructor(
		experiment: string,
		detail: string,
		failures: readonly Failure[],
		options: {cause?: unknown} = {},
	) {
		super(`run experiment "${experiment}": ${detail}`, options);
		this.experiment = experiment;
		this.failures = failures;
	}
}
