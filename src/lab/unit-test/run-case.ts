/** Runs one case of a loaded object and reads what became of it. */

import {isEbpfError} from '../../base/errors.js';
import type {Collection} from '../../object/collection/collection.js';
import type {BpfMap} from '../../object/map/map.js';
import type {CollectionSpec} from '../../spec/types.js';
import type {TestCase} from './cases.js';
import {Comparisons} from './comparisons.js';
import type {UnitTestCase, Stage, StageRun, TestResult} from './results.js';
import {firstTraveller, runStage, withStatus} from './run-stage.js';
import {SourcePlaces} from './source-places.js';
import {decodeSuiteResult, statusOfCode, type TestStatus} from './suite-result.js';

interface Verdict {
	readonly status: TestStatus;
	readonly reason?: string;
}

/** Runs the cases of one object, one after another. */
export class CaseRunner {
	readonly #collection: Collection;
	readonly #netns: number;
	readonly #places: SourcePlaces;
	readonly #comparisons: Comparisons | undefined;

	constructor(file: string, spec: CollectionSpec, collection: Collection, netns: number) {
		this.#collection = collection;
		this.#netns = netns;
		this.#places = new SourcePlaces(file, spec);
		this.#comparisons = Comparisons.of(collection.maps['scapy_assert_map'], spec.types);
	}

	/** *Throws:* `ERR_MAP` when the object's own maps cannot be read or cleared. */
	run(test: TestCase): UnitTestCase {
		const stages: StageRun[] = [];
		const ending = this.#runStages(test, stages);
		const {results: parts, logs} = decodeSuiteResult(this.#take('suite_result_map'));
		const comparisons = this.#comparisons?.take() ?? [];
		this.#take('mock_skb_meta_map');

		const results = parts.map((part): TestResult => {
			const place = isBad(part.status) ? this.#places.mentioned(part.logs) : undefined;
			return {...part, ...(place === undefined ? {} : {place})};
		});
		const {status, reason} = judge(ending, results);
		const last = stages.at(-1)?.program ?? test.check ?? '';
		const place = results.some(each => isBad(each.status))
			? undefined
			: (this.#places.mentioned(logs) ?? this.#places.startOf(last));
		return {
			name: test.name,
			status,
			...(reason === undefined ? {} : {reason}),
			...(place === undefined || !isBad(status) ? {} : {place}),
			results,
			logs,
			comparisons,
			stages,
		};
	}

	#runStages(test: TestCase, stages: StageRun[]): Verdict {
		const {name, check} = test;
		if (check === undefined) {
			const part = test.setup === undefined ? 'pktgen' : 'setup';
			return {status: 'error', reason: `"${name}" has a ${part} and no check`};
		}

		let traveller = firstTraveller(this.#collection.program(check));
		const run = (stage: Stage, program: string): number => {
			const one = this.#collection.program(program);
			const result = runStage(stage, one, traveller, this.#netns);
			stages.push(result);
			traveller = {packet: result.packetOut, context: result.contextOut};
			return result.returnValue;
		};
		try {
			for (const stage of ['pktgen', 'setup'] as const) {
				const program = test[stage];
				if (program === undefined) continue;
				const value = run(stage, program);
				const status = statusOfCode(BigInt(value));
				if (status !== undefined && isBad(status)) {
					return {status, reason: `${stage} returned ${value} (${status})`};
				}

				if (stage === 'setup') traveller = withStatus(traveller, value);
			}

			const value = run('check', check);
			const status = statusOfCode(BigInt(value));
			if (status === undefined) {
				const reason = `check returned ${value}, which is no test status`;
				return {status: 'error', reason};
			}

			return status === 'pass' ? {status} : {status, reason: `check returned ${value}`};
		} catch (error) {
			if (!isEbpfError(error)) throw error;
			return {status: 'error', reason: error.message};
		}
	}

	/** Element 0 of one of the form's maps, which is zero afterwards; empty where there is none. */
	#take(name: string): Uint8Array {
		const map: BpfMap | undefined = this.#collection.maps[name];
		if (map?.info.type !== 'array') return new Uint8Array(0);
		const key = new Uint8Array(4);
		const value = map.raw.get(key) ?? new Uint8Array(0);
		map.raw.set(key, new Uint8Array(map.info.valueSize));
		return value;
	}
}

function isBad(status: TestStatus): boolean {
	return status === 'fail' || status === 'error';
}

/** A case is as bad as the worst of its parts. */
function judge(ending: Verdict, results: readonly TestResult[]): Verdict {
	const bad =
		results.find(({status}) => status === 'error') ??
		results.find(({status}) => status === 'fail');
	if (bad === undefined) return ending;
	const {name, status} = bad;
	const reason = status === 'error' ? `"${name}" could not be judged` : `"${name}" failed`;
	return ending.status === 'error' && status === 'fail' ? ending : {status, reason};
}
