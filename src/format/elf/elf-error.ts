import {EbpfError} from '../../base/errors.js';

/** The bytes are no ELF object for BPF, or a damaged one. */
export class ElfError extends EbpfError {
	static {
		this.prototype.name = 'ElfError';
	}

	readonly code = 'ERR_ELF';
	/** Where in the file the offending bytes start. */
	declare readonly offset?: number;
	/** Name of the section concerned, or `#3` where its name cannot be read. */
	declare readonly section?: string;

	constructor(message: string, where: {offset?: number; section?: string} = {}) {
		super(`read ELF: ${message}`);
		if (where.offset !== undefined) this.offset = where.offset;
		if (where.section !== undefined) this.section = where.section;
	}
}
