import {EbpfError} from '../../base/errors.js';
import type {RelocationCandidate, RelocationSubject} from '../../format/log/failed-relocation.js';

/** `field_byte_offset of struct task_struct.pid (0:57)`. */
export function describeSubject({relocation, type, field, access}: RelocationSubject): string {
	const dot = field === '' || field.startsWith('[') ? '' : '.';
	return `${relocation} of ${type}${dot}${field} (${access})`;
}

/** A CO-RE relocation is damaged, does not fit its instruction, or has more than one answer. */
export class CoreRelocationError extends EbpfError {
	static {
		this.prototype.name = 'CoreRelocationError';
	}

	readonly code = 'ERR_CORE_RELOCATION';
	readonly program: string;
	/** Slot of the instruction in the program. */
	readonly slot: number;
	declare readonly subject?: RelocationSubject;
	declare readonly candidates?: readonly RelocationCandidate[];

	constructor(
		program: string,
		slot: number,
		detail: string,
		facts: {
			readonly subject?: RelocationSubject;
			readonly candidates?: readonly RelocationCandidate[];
		} = {},
	) {
		const {subject} = facts;
		const what = subject === undefined ? '' : ` ${describeSubject(subject)}`;
		super(`relocate program "${program}": instruction ${slot}${what}: ${detail}`);
		this.program = program;
		this.slot = slot;
		Object.assign(this, facts);
	}
}
