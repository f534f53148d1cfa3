import {EbpfError} from '../../base/errors.js';
import type {XdpAction} from '../../uapi/verdicts.js';
import {openProgramById} from '../program/program.js';
import {dispatcherName} from './join-programs.js';
import {readLibxdp} from './libxdp.js';
import {readManifest} from './manifest.js';

/** A program that a dispatcher runs. */
export interface DispatchedProgram {
	/** Undefined where it is not known. */
	readonly name?: string;
	/** Of a program that is one of its own in the kernel. */
	readonly programId?: number;
	readonly linkId?: number;
	readonly priority: number;
	/** Verdicts after which the next one runs. */
	readonly chain: readonly XdpAction[];
}

/** An XDP program that runs others. */
export interface Dispatcher {
	readonly by: 'skep' | 'libxdp';
	/** Of libxdp's protocol. */
	readonly version?: number;
	/** In the order they run. */
	readonly members: readonly DispatchedProgram[];
}

/** What a program dispatches to; undefined when it is no dispatcher, or may not be looked into. */
export function readDispatcher(programId: number): Dispatcher | undefined {
	try {
		using program = openProgramById(programId);
		if (program.name !== dispatcherName) {
			const found = readLibxdp(program);
			return found === undefined ? undefined : {by: 'libxdp', ...found};
		}

		const members = readManifest('list hooks', program).map(({name, priority, chain}) => ({
			name,
			priority,
			chain,
		}));
		return {by: 'skep', members};
	} catch (error) {
		if (error instanceof EbpfError) return undefined;
		throw error;
	}
}
