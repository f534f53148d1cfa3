import {once} from 'node:events';
import {readdirSync, readlinkSync} from 'node:fs';
import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {Worker} from 'node:worker_threads';
import {kernelTest} from '../helpers/kernel.js';
import {until} from '../helpers/run.js';
import {addon, makeMap} from './support.js';

// Serial: they count the descriptors of the whole process.
const kernel = kernelTest({feature: 'maps', since: '5.15', serial: true});

const script = new URL('./worker.js', import.meta.url);
const startWorker = (job: string) => new Worker(script, {workerData: job});

/** Descriptors of BPF objects that this process has open. */
function bpfDescriptors(): number {
	let found = 0;
	for (const fd of readdirSync('/proc/self/fd')) {
		try {
			if (readlinkSync(`/proc/self/fd/${fd}`).includes('bpf')) found++;
		} catch {
			// The one that the directory was read by.
		}
	}

	return found;
}

kernel('eight workers make and close maps at once', async t => {
	const before = bpfDescriptors();
	const workers = Array.from({length: 8}, () => startWorker('churn'));

	const results = await Promise.all(
		workers.map(async worker => {
			const [[good]] = (await Promise.all([
				once(worker, 'message'),
				once(worker, 'exit'),
			])) as [[number], unknown];
			return good;
		}),
	);

	t.deepEqual(results, new Array(8).fill(300));
	t.is(bpfDescriptors(), before);
});

kernel('what a worker leaves open is closed with it', async t => {
	const before = bpfDescriptors();
	const worker = startWorker('leave');
	const [[fds], [code]] = (await Promise.all([
		once(worker, 'message'),
		once(worker, 'exit'),
	])) as [[number[]], [number]];

	t.is(code, 0);
	t.is(fds.length, 20);
	t.true(fds.every(fd => fd > 2));
	t.is(bpfDescriptors(), before);
});

kernel('a descriptor of another thread is refused', async t => {
	const worker = startWorker('hold');
	const [theirs] = (await once(worker, 'message')) as [number];

	t.is(addon.closeFd(theirs), -9);
	t.is(addon.fdKind(theirs), null);
	t.throws(() => addon.mapNextKey(theirs, null, new Uint8Array(8)), {instanceOf: RangeError});
	t.throws(() => addon.objectInfo(theirs, new Uint8Array(88), []), {instanceOf: RangeError});

	const exited = once(worker, 'exit');
	worker.postMessage('done');
	t.deepEqual(await exited, [0]);
});

kernel('workers terminated in the middle of calls leave nothing open', async t => {
	const before = bpfDescriptors();
	for (let round = 0; round < 30; round++) {
		const worker = startWorker('endless');
		await once(worker, 'message');
		// Turns of the event loop, so that it ends at a different place each time.
		for (let turn = 0; turn < round * 3; turn++) {
			await new Promise(resolve => setImmediate(resolve));
		}

		await worker.terminate();
	}

	await until('descriptors closed', () => bpfDescriptors() === before);
	t.is(bpfDescriptors(), before);
});

kernel('a process that exits in the middle of calls exits as it was told', async t => {
	const child = spawn(process.execPath, [fileURLToPath(script), 'exit'], {stdio: 'inherit'});
	t.deepEqual(await once(child, 'exit'), [7, null]);
});

kernel('closing twice closes nobody else', t => {
	const fd = makeMap(t);

	t.is(addon.closeFd(fd), 0);
	t.is(addon.closeFd(fd), -9);
	t.is(addon.fdKind(fd), null);
	t.throws(() => addon.mapDelete(fd, new Uint8Array(8)), {instanceOf: RangeError});
	t.is(addon.closeFd(0), -9);
	t.true(readdirSync('/proc/self/fd').includes('0'));
});

kernel('a number in use again has the sizes of the new map', t => {
	const small = makeMap(t, {value: 8});
	t.is(addon.mapUpdate(small, new Uint8Array(8), new Uint8Array(8), 0), 0);
	addon.closeFd(small);
	const large = makeMap(t, {value: 4096});

	t.is(large, small);
	t.throws(() => addon.mapLookup(large, new Uint8Array(8), new Uint8Array(8), 0), {
		instanceOf: RangeError,
	});
});
