import {hostLittleEndian} from '../base/bytes.js';
import {nearestSections} from './sections.js';
import {SpecError} from './spec-error.js';
import type {ProgramSpec} from './types.js';

/**
 * Refuses a program that can be described but not loaded as it is.
 *
 * *Throws:* `ERR_SPEC` for a section name that says nothing and for the other byte order.
 */
export function checkLoadable(program: ProgramSpec): void {
	const {name, section, type, byteOrder} = program;
	const refuse = (detail: string): SpecError =>
		new SpecError(`load program "${name}": ${detail}`, {program: name, section});
	if ((byteOrder === 'little') !== hostLittleEndian) {
		throw refuse(`it is ${byteOrder}-endian, this machine is not`);
	}

	if (type === 'unspec') {
		const near = nearestSections(section).map(known => `"${known}"`);
		const advice = near.length > 0 ? `: nearest is ${near.join(', ')}` : '';
		throw refuse(`section "${section}" names no type of program${advice}`);
	}
}
