import {release} from 'node:os';

/** The running kernel's release, `6.1.0-18-amd64`. */
export const kernelRelease = release();

/** True when the running kernel is at least `version` (`6.6`), going by its release string. */
export function kernelAtLeast(version: string, running = kernelRelease): boolean {
	const [major = 0, minor = 0] = numbers(version);
	const [runningMajor = 0, runningMinor = 0] = numbers(running);
	return runningMajor > major || (runningMajor === major && runningMinor >= minor);
}

function numbers(version: string): number[] {
	return (/^\d+(\.\d+)?/.exec(version)?.[0] ?? '').split('.').map(Number);
}
