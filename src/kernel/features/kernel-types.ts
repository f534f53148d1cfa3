import {kernelBtf, KernelBtfError} from '../host/kernel-btf.js';
import type {Btf} from '../../format/btf/btf.js';
import type {BtfKind} from '../../format/btf/types.js';

/** The kernel's types; undefined where it has none to show. */
export function tryKernelBtf(): Btf | undefined {
	try {
		return kernelBtf();
	} catch (error) {
		if (!(error instanceof KernelBtfError)) throw error;
		return undefined;
	}
}

/** The id of the first of these names that the kernel has a type of. */
export function kernelTypeId(kind: BtfKind, names: readonly string[]): number | undefined {
	const btf = tryKernelBtf();
	for (const name of names) {
		const found = btf?.find(name, kind);
		if (found !== undefined) return found.id;
	}

	return undefined;
}
