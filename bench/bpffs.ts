/** A bpf filesystem of a benchmark's own. */

import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmdirSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

import {atEnd} from '../src/lab/topology/at-end.js';

export interface BenchBpffs {
	readonly path: string;
	close(): void;
}

/** Mounts one; it goes with `close()`, or with the process, also by a signal. */
export function mountBpffs(): BenchBpffs {
	const path = mkdtempSync(join(tmpdir(), 'skep-bench-'));
	execFileSync('mount', ['-t', 'bpf', 'skep', path]);
	const remove = (...options: readonly string[]): void => {
		execFileSync('umount', [...options, path]);
		rmdirSync(path);
	};
	// At a signal, what is open in it is closed only after this.
	const cancel = atEnd(() => remove('--lazy'));
	return {
		path,
		close() {
			cancel();
			remove();
		},
	};
}
