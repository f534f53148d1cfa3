/** Reads damaged inputs in a thread whose memory and time are limited. */

import {Worker} from 'node:worker_threads';

import {cpuTime} from './cpu-time.js';
import type {FuzzAnswer, FuzzWork} from './worker.js';

/** Megabytes; the largest input has 40 kB. */
const mostMemory = 192;
/** Milliseconds of CPU time for one input, when it comes to no end; the thread measures all others. */
const mostTime = 2000;
const largestInput = 1 << 20;

export interface FuzzResult extends Partial<FuzzAnswer> {
	readonly cases: number;
	/** What went wrong, and the input it went wrong with. */
	readonly failure?: {readonly error: unknown; readonly input: Uint8Array};
}

/** `cases` of one format; the same for the same seed. */
export async function fuzz(format: string, seed: number, cases: number): Promise<FuzzResult> {
	const current = new SharedArrayBuffer(4 + largestInput);
	const progress = new SharedArrayBuffer(8);
	const shared = new Uint32Array(progress);
	const count = () => Atomics.load(shared, 0);
	const workerData: FuzzWork = {format, seed, cases, current, progress};
	const worker = new Worker(new URL('worker.js', import.meta.url), {
		workerData,
		resourceLimits: {maxOldGenerationSizeMb: mostMemory},
	});
	let watch: NodeJS.Timeout | undefined;
	try {
		const answer = await new Promise<FuzzAnswer>((resolve, reject) => {
			let last = {count: -1, time: 0};
			watch = setInterval(() => {
				const thread = Atomics.load(shared, 1);
				if (thread === 0) return;
				const now = {count: count(), time: cpuTime(thread)};
				if (now.count !== last.count) last = now;
				else if (now.time - last.time > mostTime) {
					reject(new Error(`over ${mostTime} ms for one input`));
				}
			}, 1000);
			worker.once('message', resolve);
			worker.once('error', reject);
		});
		return {...answer, cases: count()};
	} catch (error) {
		const [size = 0] = new Uint32Array(current, 0, 1);
		const input = Uint8Array.from(new Uint8Array(current, 4, Math.min(size, largestInput)));
		return {cases: count(), failure: {error, input}};
	} finally {
		clearInterval(watch);
		await worker.terminate();
	}
}
