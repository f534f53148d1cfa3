/** Taking a lab's traces away, at once or while others run. */

import {setTimeout as sleep} from 'node:timers/promises';

import {LabError} from './lab-error.js';
import {killCgroup, removeCgroup, removeNames, type LabTraces} from './places.js';

/** Killed processes end when the kernel gets to it. */
const patience = 10_000;
const interval = 2;

/**
 * Removes names, processes and cgroups: a yield is a wait for processes to end, for its number of
 * milliseconds. What is already gone is no error.
 */
function* removal(traces: LabTraces): Generator<number, void, undefined> {
	removeNames(traces);
	const {cgroup, id} = traces;
	if (cgroup === '') return;
	for (let waited = 0; !removeCgroup(cgroup); waited += interval) {
		if (waited > patience) {
			throw new LabError('take down', id.name, `processes in ${cgroup} do not end`);
		}

		killCgroup(cgroup);
		yield interval;
	}
}

/** *Throws:* `ERR_LAB` when processes do not end within ten seconds. */
export async function removeTraces(traces: LabTraces): Promise<void> {
	for (const milliseconds of removal(traces)) await sleep(milliseconds);
}

/** The same where nothing can be awaited: at the end of the process. */
export function removeTracesNow(traces: LabTraces): void {
	const clock = new Int32Array(new SharedArrayBuffer(4));
	for (const milliseconds of removal(traces)) Atomics.wait(clock, 0, 0, milliseconds);
}
