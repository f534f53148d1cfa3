import {readFileSync} from 'node:fs';

import {EbpfError} from '../../base/errors.js';
import {Btf} from '../../format/btf/btf.js';

/** The kernel's type information cannot be read. */
export class KernelBtfError extends EbpfError {
	static {
		this.prototype.name = 'KernelBtfError';
	}

	readonly code = 'ERR_KERNEL_BTF';
}

let cached: WeakRef<Btf> | undefined;

/**
 * The running kernel's types, read lazily and shared while somebody uses them.
 *
 * *Kernel:* 5.4, built with `CONFIG_DEBUG_INFO_BTF`. *Throws:* `ERR_KERNEL_BTF`.
 */
export function kernelBtf(path = '/sys/kernel/btf/vmlinux'): Btf {
	const shared = cached?.deref();
	if (shared !== undefined) return shared;
	const btf = Btf.parse(readKernelBtf(path));
	cached = new WeakRef(btf);
	return btf;
}

function readKernelBtf(path: string): Uint8Array {
	try {
		return readFileSync(path);
	} catch (cause) {
		throw new KernelBtfError(
			`read kernel types "${path}": the kernel has no BTF (CONFIG_DEBUG_INFO_BTF) or /sys is not mounted`,
			{cause},
		);
	}
}
