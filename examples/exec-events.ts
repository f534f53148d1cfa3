/**
 * Prints each program that is started on this host: a tracing program, and its ring buffer.
 *
 *     skep lab run examples/exec-events.ts [SECONDS]
 *
 * Kernel 5.8.
 */

import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

import {attach, compileObject, loadCollection, openRingBuffer, readObject} from 'skep';

interface Event {
	readonly pid: number;
	readonly uid: number;
	readonly command: string;
}

const [seconds = '10'] = process.argv.slice(2);

const folder = await mkdtemp(join(tmpdir(), 'skep-exec-'));
const source = fileURLToPath(new URL('exec-events.bpf.c', import.meta.url));
const {output} = await compileObject(source, {output: join(folder, 'exec-events.bpf.o')});
const spec = await readObject(output);
await rm(folder, {recursive: true});

using collection = loadCollection(spec);
using events = openRingBuffer<Event>(collection.map('events'), {
	fields: {command: 'string'},
	lost: collection.variable('lost'),
	signal: AbortSignal.timeout(Number(seconds) * 1000),
});
// Where its section says.
using link = attach(collection.program('on_exec')).link;
console.log(`attached, link ${link.info().id}`);

// Ends with the signal.
for await (const batch of events) {
	if (batch.lost > 0) console.log(`lost ${batch.lost}`);
	for (const {pid, uid, command} of batch) console.log(`${command} (pid ${pid}, uid ${uid})`);
}
