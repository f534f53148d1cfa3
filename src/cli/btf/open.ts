import {existsSync} from 'node:fs';

import type {Btf} from '../../index.js';
import {UsageError} from '../../base/errors.js';

/** What a verb's first argument may name. */
export const sourceHelp = 'id, file, name of a module, or "kernel"';

/** The types that a word of the command line means. */
export async function openTypes(text: string): Promise<Btf> {
	const {kernelBtf, moduleBtf, modulesWithBtf, openBtfById, readTypes} =
		await import('../../index.js');
	if (text === 'kernel' || text === 'vmlinux') return kernelBtf();
	if (/^\d+$/.test(text)) return openBtfById(Number(text));
	if (/^[\w-]+$/.test(text)) {
		// Files of modules have dashes where the kernel has none.
		const module = text.replaceAll('-', '_');
		if (modulesWithBtf().includes(module)) return moduleBtf(module);
	}

	if (!existsSync(text)) {
		throw new UsageError(
			`read types of "${text}": there is no such file, and no loaded module`,
		);
	}

	// Of a module, the file's types continue those of the kernel.
	return readTypes(text, text.endsWith('.ko') ? {base: kernelBtf()} : {});
}
