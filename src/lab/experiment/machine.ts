import {readFileSync} from 'node:fs';
import {arch, cpus, release, totalmem} from 'node:os';
import {join} from 'node:path';

import {packageRoot} from '../../base/package-root.js';

/** What numbers depend on besides what was measured. */
export interface Machine {
	/** The kernel's release: `6.12.8-amd64`. */
	readonly kernel: string;
	readonly arch: string;
	/** The processor's name as the kernel has it. */
	readonly cpu: string;
	/** Processors online. */
	readonly cpus: number;
	/** Bytes. */
	readonly memory: number;
	/** Who chooses the processors' frequency; absent where the kernel does not say. */
	readonly governor?: string;
	readonly node: string;
	readonly skep: string;
}

/** The running machine. */
export function thisMachine(): Machine {
	const governor = governorOf();
	return {
		kernel: release(),
		arch: arch(),
		cpu: cpus()[0]?.model.trim() ?? 'unknown',
		cpus: cpus().length,
		memory: totalmem(),
		...(governor === undefined ? {} : {governor}),
		node: process.version,
		skep: skepVersion(),
	};
}

function governorOf(): string | undefined {
	try {
		const path = '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor';
		return readFileSync(path, 'utf8').trim();
	} catch {
		return undefined;
	}
}

function skepVersion(): string {
	const manifest = readFileSync(join(packageRoot, 'package.json'), 'utf8');
	return (JSON.parse(manifest) as {readonly version: string}).version;
}
