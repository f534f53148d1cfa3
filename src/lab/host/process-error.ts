import {EbpfError} from '../../base/errors.js';

/** A program of a host could not be started, or did not end in time. */
export class ProcessError extends EbpfError {
	static {
		this.prototype.name = 'ProcessError';
	}

	readonly code = 'ERR_PROCESS';
	/** What it had printed until then. */
	readonly stdout: string;
	readonly stderr: string;

	constructor(
		host: string,
		command: string,
		detail: string,
		options: {cause?: unknown; stdout?: string; stderr?: string} = {},
	) {
		super(`run "${command}" in host "${host}": ${detail}`, options);
		this.stdout = options.stdout ?? '';
		this.stderr = options.stderr ?? '';
	}
}
