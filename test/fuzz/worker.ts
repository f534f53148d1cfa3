/** Reads damaged inputs of one format, until it has read as many as it was asked to. */

import {getHeapStatistics, setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';
import {parentPort, workerData} from 'node:worker_threads';

import {isEbpfError} from '../../src/base/errors.js';
import {cpuTime, threadId} from './cpu-time.js';
import {openFormat} from './formats.js';
import {mutate, randomFrom} from './mutate.js';

export interface FuzzWork {
	readonly format: string;
	readonly seed: number;
	readonly cases: number;
	/** Where the input is kept while it is read: its length, then its bytes. */
	readonly current: SharedArrayBuffer;
	/** How many were read, and the number of the thread that reads. */
	readonly progress: SharedArrayBuffer;
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
/** Milliseconds. */
const mostTime = 1000;
/** Bytes of memory for each byte of the input. */
const mostMemory = 20;
/** Whatever is interrupted, or compiled just then, takes more; never so often in a row. */
const attempts = 5;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

// Where an error came from costs more than the rest of it, and is asked for only when one is foreign.
const {stackTraceLimit} = Error;
Error.stackTraceLimit = 0;

const {format, seed, cases, current, progress} = workerData as FuzzWork;
const {pool: given, words, read, allowance = 1 << 20, zeros = () => 0} = await openFormat(format);
const pool = [...given];
const seen = new Set<string>();
const shared = new Uint32Array(progress);
const length = new Uint32Array(current, 0, 1);
const kept = new Uint8Array(current, 4);
const random = randomFrom(seed);
const thread = threadId();
let refused = 0;
let longest = 0;

/** What kind of answer it is: an error's words without its facts. */
async function kindOf(error: unknown, bytes: Uint8Array): Promise<string> {
	if (error === undefined) return 'read';
	if (!isEbpfError(error)) {
		Error.stackTraceLimit = stackTraceLimit;
		const again = await measure(bytes);
		throw new Error('a foreign error', {cause: again.error ?? error});
	}

	refused += 1;
	return error.message.replaceAll(/"[^"]*"|\d+|0x[\da-f]+/g, '#').slice(0, 120);
}

/** Bytes that are in use, and those that wait for the garbage collector. */
function memory(): number {
	const {used_heap_size: heap, external_memory: external} = getHeapStatistics();
	return heap + external;
}

interface Cost {
	readonly error: unknown;
	readonly time: number;
	readonly memory: number;
}

async function measure(bytes: Uint8Array): Promise<Cost> {
	const before = memory();
	const start = performance.now();
	let error: unknown;
	try {
		const answer = read(bytes);
		if (answer instanceof Promise) await answer;
	} catch (thrown) {
		error = thrown ?? new Error('nothing was thrown');
	}

	return {error, time: performance.now() - start, memory: memory() - before};
}

const isCheap = ({length}: Uint8Array, {time, memory}: Cost, zero = 0): boolean =>
	time <= mostTime && memory <= mostMemory * length + allowance + zero;

/** Fails unless the input is read in bounded time and memory at least once. */
async function confirm(bytes: Uint8Array): Promise<void> {
	const costs: Cost[] = [];
	const zero = zeros(bytes);
	while (costs.length < attempts) {
		collect();
		const before = cpuTime(thread);
		const cost = {...(await measure(bytes)), time: cpuTime(thread) - before};
		if (isCheap(bytes, cost, zero)) return;
		costs.push(cost);
	}

	const time = Math.min(...costs.map(cost => cost.time)).toFixed(0);
	const most = Math.min(...costs.map(cost => cost.memory));
	throw new Error(`${time} ms, ${most} bytes of memory for an input of ${bytes.length} bytes`);
}

Atomics.store(shared, 1, thread);
for (let i = 0; i < cases; i++) {
	// Inputs that are refused early hide what comes later: every second one is whole at first.
	const bytes = mutate(random, random(2) === 0 ? given : pool, words);
	length[0] = bytes.length;
	kept.set(bytes.subarray(0, kept.length));
	const cost = await measure(bytes);
	if (!isCheap(bytes, cost)) await confirm(bytes);
	longest = Math.max(longest, cost.time);
	const kind = await kindOf(cost.error, bytes);
	if (!seen.has(kind) && pool.length < mostKept) {
		seen.add(kind);
		pool.push(bytes);
	}

	Atomics.store(shared, 0, i + 1);
}

parentPort?.postMessage({refused, kinds: seen.size, longest} satisfies FuzzAnswer);
