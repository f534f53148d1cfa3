/** The C side: the same work on libbpf, in this process or in a child. */

import {execFileSync} from 'node:child_process';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

/** The project's own folder, and the one the compiler writes to. */
export const project = fileURLToPath(new URL('../..', import.meta.url));
export const output = fileURLToPath(new URL('..', import.meta.url));
/** Where the C side and the objects of the benchmarks are built. */
export const build = join(project, 'build/bench');

/** See bench/native; elements are those of the map in bench/bpf/flows.bpf.c unless told. */
export interface Floor {
	/** Nanoseconds of CPU time of all threads of this process. */
	cpuTime(): number;
	lookup(fd: number, keys: Uint8Array, order: Uint32Array): number;
	update(fd: number, keys: Uint8Array, order: Uint32Array, value: Uint8Array): number;
	/** So many elements of any size, in batches. */
	fill(fd: number, keys: Uint8Array, values: Uint8Array, count: number): number;
	/** The same one by one. */
	set(fd: number, keys: Uint8Array, values: Uint8Array, count: number): number;
	dump(fd: number, batch: number): number;
	openRing(fd: number): void;
	consumeRing(): number;
	loadObject(file: Uint8Array): number;
	openObject(file: Uint8Array): number;
	loadBtf(types: Uint8Array): number;
	findKernelType(): number;
}

function load(): Floor {
	execFileSync(join(project, 'scripts/bench-addon.sh'), {
		stdio: ['ignore', 'inherit', 'inherit'],
	});
	const require = createRequire(import.meta.url);
	return require(join(build, 'build/Release/floor.node')) as Floor;
}

export const floor: Floor = load();

export interface ProcessCost {
	/** Milliseconds from start to end. */
	readonly wall: number;
	/** Milliseconds of CPU time. */
	readonly cpu: number;
	/** Most memory it held at once, bytes. */
	readonly peak: number;
}

/** Runs a command, its output thrown away, and tells what it cost. */
export function runProcess(command: string, ...args: readonly string[]): ProcessCost {
	const text = execFileSync(join(build, 'build/Release/measure'), [command, ...args], {
		encoding: 'utf8',
	});
	const cost = JSON.parse(text) as ProcessCost & {status: number};
	if (cost.status !== 0) {
		throw new Error(`run ${[command, ...args].join(' ')}: it ended with status ${cost.status}`);
	}

	return cost;
}
