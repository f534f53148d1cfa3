import type {Program} from '../../index.js';
import {reference} from '../arguments.js';

/** Opens what an argument names; the caller closes it. */
export async function openProgram(text: string): Promise<Program> {
	const {openPinnedProgram, openProgramById} = await import('../../index.js');
	const target = reference(text);
	return 'id' in target ? openProgramById(target.id) : openPinnedProgram(target.path);
}
