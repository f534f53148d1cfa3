/** What the tests of the addon run on worker threads and in processes of their own. */

import {isMainThread, parentPort, workerData} from 'node:worker_threads';
import {addon, attrOf, callAsync, openMap} from './support.js';

/** Length of its name, id and weight. */
const oneBackend = new Uint8Array(Uint32Array.of(1, 1, 1).buffer);

const jobs: Record<string, () => unknown> = {
	/** Makes, fills, reads and closes maps; the number of rounds that went well. */
	churn() {
		let good = 0;
		for (let round = 0; round < 300; round++) {
			const size = 8 + (round % 5) * 8;
			const fd = openMap({value: size, entries: 4});
			const written = new Uint8Array(size).fill(round);
			const read = new Uint8Array(size);
			const done =
				addon.mapUpdate(fd, new Uint8Array(8), written, 0) === 0 &&
				addon.mapLookup(fd, new Uint8Array(8), read, 0) === 0 &&
				Buffer.compare(written, read) === 0;
			if (done && addon.closeFd(fd) === 0) good++;
		}

		return good;
	},

	/** Opens maps and leaves them open. */
	leave: () => Array.from({length: 20}, () => openMap()),

	/** Calls without end: to be stopped from outside. */
	async endless() {
		const fd = openMap({value: 64, entries: 4096});
		const run = async () => {
			for (;;) {
				await callAsync('map_lookup_batch', attrOf(56, {32: 4096, 36: fd}), [
					...[8, new Uint8Array(8), 16, new Uint8Array(4096 * 8)],
					...[24, new Uint8Array(4096 * 64)],
				]);
				const map = await callAsync('map_create', attrOf(72, {0: 1, 4: 8, 8: 8, 12: 4}));
				addon.closeFd(map);
				await addon.maglevTable(16_381, 0, Buffer.from('a'), oneBackend);
				try {
					addon.bpf(1, new Uint8Array(4096), [], -1);
				} catch {
					// Throwing, too, must survive the end of the thread.
				}
			}
		};
		parentPort?.postMessage('running');
		await Promise.all(Array.from({length: 8}, run));
	},

	/** Leaves the process while calls are under way. */
	async exit() {
		const fd = openMap({value: 64, entries: 4096});
		const calls = Array.from({length: 16}, async () =>
			callAsync('map_lookup_batch', attrOf(56, {32: 4096, 36: fd}), [
				...[8, new Uint8Array(8), 16, new Uint8Array(4096 * 8)],
				...[24, new Uint8Array(4096 * 64)],
			]),
		);

		const table = addon.maglevTable(131_071, 0, Buffer.from('a'), oneBackend);
		process.nextTick(() => process.exit(7));
		await Promise.all([...calls, table]);
	},

	/** Opens a descriptor that somebody else tries to use. */
	async hold() {
		parentPort?.postMessage(openMap());
		await new Promise(resolve => parentPort?.once('message', resolve));
	},
};

const job = isMainThread ? process.argv[2] : (workerData as string);
const result = await jobs[job ?? '']?.();
if (result !== undefined) parentPort?.postMessage(result);
parentPort?.close();
