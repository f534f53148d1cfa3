/** Reads damaged inputs of one format, until it has read as many as it was asked to. */

import {parentPort, workerData} from 'node:worker_threads';

import {isEbpfError} from '../../src/base/errors.js';
import {openFormat} from './formats.js';
import {mutate, randomFrom} from './mutate.js';

export interface FuzzWork {
	readonly format: string;
	readonly seed: number;
	readonly cases: number;
	/** Where the input is kept while it is read: its length, then its bytes. */
	readonly current: SharedArrayBuffer;
	/** How many were read. */
	readonly done: SharedArrayBuffer;
}

export interface FuzzAnswer {
	readonly refused: number;
	/** Kinds of answers that were seen. */
	readonly kinds: number;
	/** Milliseconds. */
	readonly longest: number;
}

/** Inputs that were answered as none before are damaged further. */
const mostKept = 2000;

const {format, seed, cases, current, done} = workerData as FuzzWork;
const {pool: given, words, read} = await openFormat(format);
const pool = [...given];
const seen = new Set<string>();
const counter = new Uint32Array(done);
const length = new Uint32Array(current, 0, 1);
const kept = new Uint8Array(current, 4);
const random = randomFrom(seed);
let refused = 0;
let longest = 0;

/** What kind of answer it is: an error's words without its facts. */
function kindOf(error: unknown): string {
	if (error === undefined) return 'read';
	if (!isEbpfError(error)) throw new Error('a foreign error', {cause: error});
	refused += 1;
	return error.message.replaceAll(/"[^"]*"|\d+|0x[\da-f]+/g, '#').slice(0, 120);
}

for (let i = 0; i < cases; i++) {
	const bytes = mutate(random, pool, words);
	length[0] = bytes.length;
	kept.set(bytes.subarray(0, kept.length));
	const start = performance.now();
	let error: unknown;
	try {
		await read(bytes);
	} catch (thrown) {
		error = thrown ?? new Error('nothing was thrown');
	}

	longest = Math.max(longest, performance.now() - start);
	const kind = kindOf(error);
	if (!seen.has(kind) && pool.length < mostKept) {
		seen.add(kind);
		pool.push(bytes);
	}

	Atomics.store(counter, 0, i + 1);
}

parentPort?.postMessage({refused, kinds: seen.size, longest} satisfies FuzzAnswer);
