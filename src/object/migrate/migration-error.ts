import {EbpfError} from '../../base/errors.js';

/** A pinned map could not be brought into its new form; its pin is as it was. */
export class MigrationError extends EbpfError {
	static {
		this.prototype.name = 'MigrationError';
	}

	readonly code = 'ERR_MIGRATION';
	readonly map: string;
	/** The pin. */
	readonly path: string;
	/** Programs that are in the way, where it is they. */
	readonly programs: readonly {readonly id: number; readonly name: string}[];

	constructor(
		map: string,
		path: string,
		detail: string,
		options: {
			cause?: unknown;
			programs?: readonly {readonly id: number; readonly name: string}[];
		} = {},
	) {
		const {programs = [], ...rest} = options;
		super(`migrate map "${map}" pinned at "${path}": ${detail}`, rest);
		this.map = map;
		this.path = path;
		this.programs = programs;
	}
}
