import {readFileSync} from 'node:fs';

import {EbpfError} from '../../base/errors.js';
import {Btf} from '../../format/btf/btf.js';
import {addon} from '../sys/addon.js';
import {btfBytes, btfInfo} from '../sys/info.js';
import {objectFdById, objectIds} from '../sys/object.js';
import {SyscallError} from '../sys/syscall-error.js';

/** The kernel's type information cannot be read. */
export class KernelBtfError extends EbpfError {
	static {
		this.prototype.name = 'KernelBtfError';
	}

	readonly code = 'ERR_KERNEL_BTF';
}

const kernelBtfPath = '/sys/kernel/btf/vmlinux';

let cached: WeakRef<Btf> | undefined;
/** Where they are mapped, keeping them costs little more than the index of them. */
let kept: Btf | undefined;

/**
 * The running kernel's types, read lazily: once where they can be mapped (*Kernel:* 6.16), or else
 * shared while somebody uses them.
 *
 * *Kernel:* 5.4, built with `CONFIG_DEBUG_INFO_BTF`. *Throws:* `ERR_KERNEL_BTF`.
 */
export function kernelBtf(path = kernelBtfPath): Btf {
	if (path !== kernelBtfPath) return Btf.parse(readKernelBtf(path));
	const shared = kept ?? cached?.deref();
	if (shared !== undefined) return shared;
	const mapped = mapKernelBtf();
	const btf = Btf.parse(mapped ?? readKernelBtf(path), {readOnly: true});
	cached = new WeakRef(btf);
	if (mapped !== undefined) kept = btf;
	return btf;
}

/**
 * The bytes of the kernel's types or, by path, a module's. Those of the kernel must not be written
 * to: they may be its own memory. *Throws:* `ERR_KERNEL_BTF`.
 */
export function readKernelBtf(path = kernelBtfPath): Uint8Array {
	if (path === kernelBtfPath) {
		const bytes = mapKernelBtf() ?? copyKernelBtf();
		if (bytes !== undefined) return bytes;
	}

	try {
		return readFileSync(path);
	} catch (cause) {
		throw new KernelBtfError(
			`read kernel types "${path}": the kernel has no BTF (CONFIG_DEBUG_INFO_BTF) or /sys is not mounted`,
			{cause},
		);
	}
}

function mapKernelBtf(): Uint8Array | undefined {
	const mapped = addon.mapTypes(kernelBtfPath);
	return typeof mapped === 'number' ? undefined : new Uint8Array(mapped);
}

/**
 * The same bytes in one call, where the privilege for it is there; the file gives no more than a
 * page to a call, which takes twice as long. The kernel's own types are its first BTF object.
 */
function copyKernelBtf(): Uint8Array | undefined {
	let fd;
	try {
		for (const id of objectIds('btf')) {
			fd = objectFdById('btf', id);
			break;
		}

		if (fd === undefined) return undefined;
		const {kernel, name} = btfInfo(fd);
		return kernel && name === 'vmlinux' ? btfBytes(fd) : undefined;
	} catch (error) {
		if (error instanceof SyscallError) return undefined;
		throw error;
	} finally {
		if (fd !== undefined) addon.closeFd(fd);
	}
}
