/** Memory that is shared with the kernel, reached by copies that the addon measures. */

import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {addon} from './addon.js';

const leaked = new FinalizationRegistry<string>(what => {
	process.emitWarning(`${what} was garbage-collected without close()`, {
		type: 'SkepWarning',
		code: 'SKEP_LEAK',
	});
});

/** Something mapped, by the addon's number for it; its owner gives it back. */
export class MappedNumber {
	private mapped: number;
	private readonly what: string;

	/** `what` names it in errors and in the warning about a leak: `memory of map "flows"`. */
	constructor(mapped: number, what: string) {
		this.mapped = mapped;
		this.what = what;
		leaked.register(this, what, this);
	}

	/** *Throws:* `ERR_USAGE` once it is closed. */
	get number(): number {
		if (this.mapped === 0) throw new UsageError(`use ${this.what}: it is closed`);
		return this.mapped;
	}

	get closed(): boolean {
		return this.mapped === 0;
	}

	close(): void {
		if (this.mapped === 0) return;
		addon.releaseMemory(this.mapped);
		this.mapped = 0;
		leaked.unregister(this);
	}
}

/**
 * A number for the functions below, or `-errno`; `offset` is a multiple of a page. *Kernel:* 5.5,
 * array maps with `BPF_F_MMAPABLE`.
 */
export function memoryMap(fd: number, size: number, writable: boolean, offset = 0): number {
	return addon.memoryMap(fd, offset, size, writable ? 1 : 0);
}

/**
 * Copies bytes at `offset` into `bytes`: 1, 2, 4 or 8 of them at a multiple of their count are read
 * at once.
 */
export function memoryRead(memory: MappedNumber, offset: number, bytes: Uint8Array): void {
	addon.memoryRead(memory.number, offset, bytes);
}

/** The other way. False where the memory is read-only. */
export function memoryWrite(memory: MappedNumber, offset: number, bytes: Uint8Array): boolean {
	return addon.memoryWrite(memory.number, offset, bytes) !== -constants.errno.EACCES;
}
