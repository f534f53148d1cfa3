import {EbpfError} from '../../base/errors.js';

/** Bytes that are no BPF instructions, or instructions that cannot be made into bytes. */
export class AsmError extends EbpfError {
	static {
		this.prototype.name = 'AsmError';
	}

	readonly code = 'ERR_ASM';
	/** Where in the program, counted in units of 8 bytes. */
	readonly slot?: number;

	constructor(message: string, slot?: number) {
		super(message);
		if (slot !== undefined) this.slot = slot;
	}
}
