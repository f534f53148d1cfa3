import {readFileSync} from 'node:fs';
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

/**
 * LINUX_VERSION_CODE of the running kernel, which kernels before 5.0 compare for kprobes. What
 * Debian and Ubuntu call a release is not the version it was built as: they say that elsewhere.
 */
export function kernelVersionCode(): number {
	return (runningVersion ??= readVersion());
}

let runningVersion: number | undefined;

function readVersion(): number {
	const ubuntu = /(\d+\.\d+\.\d+)$/.exec(firstLine('/proc/version_signature'))?.[1];
	const debian = /Debian (\d+\.\d+\.\d+)/.exec(firstLine('/proc/version'))?.[1];
	return versionCode(ubuntu ?? debian ?? kernelRelease);
}

/** `6.1.250` and `6.1.300` in one number; the last part has room for 255. */
export function versionCode(version: string): number {
	const text = /^\d+(\.\d+){0,2}/.exec(version)?.[0] ?? '';
	const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number);
	return (major << 16) | (minor << 8) | Math.min(patch, 255);
}

function firstLine(path: string): string {
	try {
		return readFileSync(path, 'utf8').split('\n', 1)[0] ?? '';
	} catch {
		return '';
	}
}
