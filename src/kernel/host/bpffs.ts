import {existsSync, mkdirSync, statfsSync} from 'node:fs';
import {dirname, resolve} from 'node:path';

import {EbpfError} from '../../base/errors.js';

const bpffsMagic = 0xca_fe_4a_11;

/** A path cannot hold a pin. */
export class BpffsError extends EbpfError {
	static {
		this.prototype.name = 'BpffsError';
	}

	readonly code = 'ERR_BPFFS';
	readonly path: string;

	constructor(path: string, detail: string, options: {cause?: unknown} = {}) {
		super(`use pin path "${path}": ${detail}`, options);
		this.path = path;
	}
}

/** True when the existing `path` lies on a bpf filesystem. */
export function isBpffs(path: string): boolean {
	try {
		return statfsSync(path).type === bpffsMagic;
	} catch {
		return false;
	}
}

/**
 * Makes sure that `path` can be pinned to: its directory is made and lies on a bpf filesystem, and
 * its name is one that the kernel takes. *Throws:* `ERR_BPFFS`.
 */
export function prepareBpffs(path: string): void {
	if (path.includes('\0'))
		throw new BpffsError(path.replaceAll('\0', '\\0'), 'it has a NUL inside');
	const whole = resolve(path);
	const directory = dirname(whole);
	const parent = existingParent(directory);
	if (!isBpffs(parent)) {
		throw new BpffsError(
			path,
			`"${parent}" is not on a bpf filesystem; mount one with 'mount -t bpf bpf /sys/fs/bpf'`,
		);
	}

	const refusal = refusedName(path);
	if (refusal !== undefined) throw new BpffsError(path, refusal);

	if (parent === directory) return;
	try {
		mkdirSync(directory, {recursive: true});
	} catch (cause) {
		throw new BpffsError(path, (cause as Error).message, {cause});
	}
}

/** Why a bpf filesystem can have no such name; undefined where it can, or where `path` is elsewhere. */
export function refusedName(path: string): string | undefined {
	const whole = resolve(path);
	const parent = existingParent(dirname(whole));
	if (!isBpffs(parent)) return undefined;
	const dotted = whole
		.slice(parent.length)
		.split('/')
		.find(part => part.includes('.'));
	return dotted === undefined ? undefined : `the kernel refuses names with a dot: "${dotted}"`;
}

function existingParent(path: string): string {
	const parent = dirname(path);
	return parent === path || existsSync(path) ? path : existingParent(parent);
}
