import {once} from 'node:events';
import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import {Worker} from 'node:worker_threads';
import test from 'ava';
import {openRingBuffer} from '../../../src/object/events/ring-buffer.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {run} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'ring buffers', since: '6.1', serial: true});

const script = new URL('event-worker.js', import.meta.url);

/** Mappings of rings, and descriptors that wait for them. */
function held(): number {
	const maps = readFileSync('/proc/self/maps', 'utf8').match(/anon_inode:(bpf-map|\[perf)/g);
	const fds = readdirSync('/proc/self/fd').filter(fd => {
		try {
			return /perf_event|bpf-map/.test(readlinkSync(`/proc/self/fd/${fd}`));
		} catch {
			return false;
		}
	});
	return (maps?.length ?? 0) + fds.length;
}

const terminated = test.macro({
	async exec(t, kind: 'ring' | 'perf') {
		const collection = await loadFixture(t, 'kernel/events');
		const before = held();
		const {id} = collection.map(kind).info;
		for (let round = 0; round < 5; round++) {
			const worker = new Worker(script, {workerData: {id, kind}});
			const [reading] = (await once(worker, 'message')) as [string];
			t.is(reading, 'reading');
			if (round % 2 === 0) {
				const received = once(worker, 'message');
				collection.program(kind === 'ring' ? 'send' : 'send_perf').run();
				t.deepEqual(await received, [1]);
			}

			await worker.terminate();
			t.is(held(), before);
		}
	},
	title: (_, kind: string) =>
		`a worker that is terminated while it waits for a ${kind} leaves nothing mapped or open`,
});

kernel(terminated, 'ring');
kernel(terminated, 'perf');

kernel('a reader that waits survives the garbage collector', async t => {
	const collection = await loadFixture(t, 'kernel/events');
	const module = (path: string): string => new URL(path, import.meta.url).href;
	const code = `
		import {openMapById} from '${module('../../../src/object/map/open-map.js')}';
		import {openRingBuffer} from '${module('../../../src/object/events/ring-buffer.js')}';
		import {openProgramById} from '${module('../../../src/object/program/program.js')}';
		const program = openProgramById(${collection.program('send').info().id});
		(() => {
			const map = openMapById(${collection.map('ring').info.id});
			const reader = openRingBuffer(map);
			reader.each(batch => {
				console.log('got', batch.count);
				reader.close();
				map.close();
			});
		})();
		for (let turn = 0; turn < 20; turn++) {
			await new Promise(resolve => setImmediate(resolve));
			globalThis.gc();
		}
		program.run();
		program.close();
	`;
	t.is(
		await run(process.execPath, '--expose-gc', '--input-type=module', '--eval', code),
		'got 1\n',
	);
});

kernel('a reader that nobody closes and nobody waits for warns', async t => {
	const collection = await loadFixture(t, 'kernel/events');
	const module = (path: string): string => new URL(path, import.meta.url).href;
	const code = `
		import {openMapById} from '${module('../../../src/object/map/open-map.js')}';
		import {openRingBuffer} from '${module('../../../src/object/events/ring-buffer.js')}';
		const warnings = [];
		process.on('warning', ({message}) => warnings.push(message));
		const map = openMapById(${collection.map('ring').info.id});
		(() => openRingBuffer(map))();
		for (let turn = 0; turn < 50 && warnings.length < 2; turn++) {
			await new Promise(resolve => setImmediate(resolve));
			globalThis.gc();
		}
		console.log(warnings.sort().join('|'));
		map.close();
	`;
	t.is(
		await run(
			...([process.execPath, '--no-warnings', '--expose-gc'] as const),
			...(['--input-type=module', '--eval', code] as const),
		),
		'ring buffer "ring" was garbage-collected without close()|the poller of ring buffer "ring" was garbage-collected without close()\n',
	);
});

kernel('a process ends while a reader is open and nobody waits', async t => {
	const collection = await loadFixture(t, 'kernel/events');
	using reader = openRingBuffer(collection.map('ring'));
	t.is(reader.read(), undefined);
	const code = `
		import {openMapById} from '${new URL('../../../src/object/map/open-map.js', import.meta.url).href}';
		import {openRingBuffer} from '${new URL('../../../src/object/events/ring-buffer.js', import.meta.url).href}';
		const reader = openRingBuffer(openMapById(${collection.map('ring').info.id}));
		reader.read();
		globalThis.kept = reader;
		process.exitCode = 3;
	`;
	await t.throwsAsync(run(process.execPath, '--input-type=module', '--eval', code), {
		message: /3/,
	});
});
