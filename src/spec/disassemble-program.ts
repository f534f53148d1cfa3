import {disassemble, type DisassemblyLine} from '../format/asm/disassemble.js';
import type {ProgramSpec} from './types.js';

/** A program of an object as it is before it is loaded, with names and source lines. */
export function disassembleSpec(program: ProgramSpec): DisassemblyLine[] {
	const {types, functions, lines, references, externs, byteOrder} = program;
	return disassemble(program.instructions, {
		littleEndian: byteOrder === 'little',
		references,
		functions: functions.map(({slot, typeId}) => ({
			slot,
			name: types?.type(typeId).name ?? '',
		})),
		lines: lines.map(({slot, textOffset}) => ({slot, text: types?.string(textOffset) ?? ''})),
		calls: externs
			.filter(({kind}) => kind === 'call')
			.map(({slot, extern}) => ({slot, name: extern.name})),
	});
}
