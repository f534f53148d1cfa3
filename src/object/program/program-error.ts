import {EbpfError} from '../../base/errors.js';

/** A program could not be loaded, opened or run, for a reason other than the verifier's. */
export class ProgramError extends EbpfError {
	static {
		this.prototype.name = 'ProgramError';
	}

	readonly code = 'ERR_PROGRAM';
	readonly program: string;

	constructor(
		action: string,
		program: string,
		detail: string,
		options: {cause?: unknown; errno?: number | undefined} = {},
	) {
		super(`${action} program "${program}": ${detail}`, options);
		this.program = program;
	}
}

/** The program that another is to replace or trace a function of has no such function. */
export class ProgramTargetError extends EbpfError {
	static {
		this.prototype.name = 'ProgramTargetError';
	}

	readonly code = 'ERR_PROGRAM_TARGET';
}
