/** Reads damaged inputs in a thread whose memory and time are limited. */

import {Worker} from 'node:worker_threads';

import type {FuzzAnswer, FuzzWork} from './worker.js';

/** Megabytes; the largest input has 40 kB. */
const mostMemory = 192;
/** Milliseconds for one input. A busy machine is slow: an input is slow when it is at it this long. */
const mostTime = 10_000;
const largestInput = 1 << 20;

export interface FuzzResult extends Partial<FuzzAnswer> {
	readonly cases: number;
	/** What went wrong, and the input it went wrong with. */
	readonly failure?: {readonly error: unknown; readonly input: Uint8Array};
}

/** `cases` of one format; the same for the same seed. */
export async function fuzz(format: string, seed: number, cases: number): Promise<FuzzResult> {
	const current = new SharedArrayBuffer(4 + largestInput);
	const done = new SharedArrayBuffer(4);
	const count = () => Atomics.load(new Uint32Array(done), 0);
	const workerData: FuzzWork = {format, seed, cases, current, done};
	const worker = new Worker(new URL('worker.js', import.meta.url), {
		workerData,
		resourceLimits: {maxOldGenerationSizeMb: mostMemory},
	});
	let watch: NodeJS.Timeout | undefined;
	try {
		const answer = await new Promise<FuzzAnswer>((resolve, reject) => {
			let last = -1;
			watch = setInterval(() => {
				const now = count();
				// The first is read when the format is open, which compiles objects.
				if (now === last && now > 0) reject(new Error(`over ${mostTime} ms for one input`));
				last = now;
			}, mostTime);
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
