import {parseStatistics, type VerifierStatistics} from '../../format/log/statistics.js';
import {rawLines} from '../../format/log/verifier-log.js';
import {VerifierError} from '../../format/log/verifier-error.js';
import {EbpfError, UsageError} from '../../base/errors.js';
import type {CollectionSpec, ProgramSpec} from '../../spec/types.js';
import {loadCollection, type LoadCollectionOptions} from './load-collection.js';
import {coreTarget} from '../program/core-target.js';
import {loadProgram} from '../program/load-program.js';
import type {LoadProgramOptions} from '../program/prepare-program.js';

/** What the verifier made of one program. */
export interface Verification {
	readonly program: string;
	readonly section: string;
	/** Instructions in the object, with all subprograms it reaches. */
	readonly instructions: number;
	/** Undefined when it was refused. */
	readonly statistics?: VerifierStatistics;
	/** Instructions that the verifier walked. *Kernel:* 5.16. */
	readonly verifiedInstructions?: number;
	/** Milliseconds the load took. */
	readonly time: number;
	/** Why it was refused. */
	readonly error?: EbpfError;
}

export interface VerifyOptions extends Pick<LoadCollectionOptions, 'programs' | 'targetBtf'> {
	/** See `LoadProgramOptions.logLevel`; 4, statistics only, unless given. */
	readonly logLevel?: number;
	/** Called with the log of each program, accepted or refused. */
	readonly onLog?: (program: string, log: string) => void;
}

/**
 * Has the kernel verify every program of an object, one by one; attaches nothing, pins nothing and
 * leaves nothing. A refusal is part of the result. *Throws:* when a map cannot be made.
 */
export function* verifyCollection(
	spec: CollectionSpec,
	options: VerifyOptions = {},
): Generator<Verification> {
	const {logLevel = 4, onLog, targetBtf} = options;
	const candidates = coreTarget(targetBtf);
	const names = options.programs ?? Object.keys(spec.programs);
	// Nothing may be pinned by a dry run.
	const maps = Object.fromEntries(
		Object.entries(spec.maps).map(([name, map]) => [name, {...map, pinning: 'none' as const}]),
	);
	using collection = loadCollection({...spec, maps}, {programs: []});
	const off = Object.keys(maps).filter(name => collection.maps[name] === undefined);
	const absentMaps = new Set(off);
	for (const name of names) {
		const program = spec.programs[name];
		if (program === undefined) {
			throw new UsageError(`verify object "${spec.name}": it has no program "${name}"`);
		}

		const loading = {maps: collection.maps, absentMaps, logLevel, candidates};
		yield verifyProgram(program, loading, onLog);
	}
}

function verifyProgram(
	program: ProgramSpec,
	options: LoadProgramOptions,
	onLog: VerifyOptions['onLog'],
): Verification {
	const common = {
		program: program.name,
		section: program.section,
		instructions: program.instructions.length / 8,
	};
	const start = performance.now();
	try {
		using loaded = loadProgram(program, options);
		const time = performance.now() - start;
		onLog?.(program.name, loaded.log);
		const statistics = parseStatistics(rawLines(loaded.log));
		const {verifiedInstructions} = loaded.info();
		return {
			...common,
			time,
			verifiedInstructions,
			...(statistics === undefined ? {} : {statistics}),
		};
	} catch (error) {
		if (!(error instanceof EbpfError)) throw error;
		const time = performance.now() - start;
		if (error instanceof VerifierError) onLog?.(program.name, error.log.join('\n'));
		return {...common, time, error};
	}
}
