import {readdirSync} from 'node:fs';

import {Btf} from '../../format/btf/btf.js';
import {kernelBtf, readKernelBtf} from './kernel-btf.js';

const folder = '/sys/kernel/btf';

/**
 * The types of a loaded kernel module, which continue those of the kernel.
 *
 * *Kernel:* 5.11. *Throws:* `ERR_KERNEL_BTF` when no module of that name is loaded, or it has none.
 */
export function moduleBtf(name: string): Btf {
	return Btf.parse(readKernelBtf(`${folder}/${name.replaceAll('/', '')}`), {base: kernelBtf()});
}

/** Names of the loaded modules that have types, in order. */
export function modulesWithBtf(): string[] {
	try {
		return readdirSync(folder)
			.filter(name => name !== 'vmlinux')
			.sort();
	} catch {
		return [];
	}
}
