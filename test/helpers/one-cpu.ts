import {execFileSync} from 'node:child_process';

/** Runs what is to find its own traces: each CPU knows flows by itself. */
export function onOneCpu<T>(work: () => T): T {
	const pid = String(process.pid);
	const affinity = execFileSync('taskset', ['-p', pid], {encoding: 'utf8'});
	execFileSync('taskset', ['-p', '1', pid]);
	try {
		return work();
	} finally {
		execFileSync('taskset', ['-p', affinity.split(' ').at(-1)?.trim() ?? 'ffffffff', pid]);
	}
}
