/** Finds the cases of an object by the names of its sections. */

import {EbpfError} from '../../base/errors.js';
import type {CollectionSpec} from '../../spec/types.js';
import type {Stage} from './results.js';

/** An object holds no tests, or tests that cannot be run. */
export class UnitTestError extends EbpfError {
	static {
		this.prototype.name = 'UnitTestError';
	}

	readonly code = 'ERR_UNIT_TEST';
	readonly file: string;

	constructor(file: string, detail: string) {
		super(`test object "${file}": ${detail}`);
		this.file = file;
	}
}

/** Names of a case's programs. */
export interface TestCase {
	readonly name: string;
	readonly pktgen?: string;
	readonly setup?: string;
	/** Undefined where the object lacks it: such a case is an error. */
	readonly check?: string;
}

const section = /^[^/]+\/test\/(.+)\/(pktgen|setup|check)$/;

/**
 * The cases in the order of their names, byte by byte. *Throws:* `ERR_UNIT_TEST` when two programs
 * are the same part of one case.
 */
export function findCases(file: string, spec: CollectionSpec): TestCase[] {
	const cases = new Map<string, {name: string} & Partial<Record<Stage, string>>>();
	for (const program of Object.values(spec.programs)) {
		const [, name, stage] = section.exec(program.section) ?? [];
		if (name === undefined || stage === undefined) continue;
		const one = cases.get(name) ?? {name};
		const other = one[stage as Stage];
		if (other !== undefined) {
			throw new UnitTestError(
				file,
				`programs "${other}" and "${program.name}" are both the ${stage} of "${name}"`,
			);
		}

		one[stage as Stage] = program.name;
		cases.set(name, one);
	}

	return [...cases.values()].sort((a, b) =>
		Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
	);
}
