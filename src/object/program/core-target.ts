import {basename} from 'node:path';

import {EbpfError} from '../../base/errors.js';
import type {Btf} from '../../format/btf/btf.js';
import {kernelBtf} from '../../kernel/host/kernel-btf.js';
import {moduleBtf, modulesWithBtf} from '../../kernel/host/module-btf.js';
import {Candidates} from '../../spec/core-relo/candidates.js';
import {openBtfFile} from '../btf/open-btf.js';

/** Types to relocate programs to: the path of a file that holds them, or the types themselves. */
export type TargetBtf = Btf | string;

/**
 * Where CO-RE relocations are looked up: in the running kernel and its modules unless others are
 * given. Nothing is read before a relocation needs it.
 */
export function coreTarget(target?: TargetBtf): Candidates {
	if (target === undefined) {
		return new Candidates({name: 'vmlinux', types: () => kernelBtf(), modules: readModules});
	}

	if (typeof target === 'string') {
		return new Candidates({name: basename(target), types: () => openBtfFile(target)});
	}

	return new Candidates({name: 'the target', types: () => target});
}

/** A module that went away meanwhile, or whose types are damaged, is as good as none. */
export function* readModules(
	names: readonly string[] = modulesWithBtf(),
	read = moduleBtf,
): Generator<{readonly name: string; readonly types: Btf}> {
	for (const name of names) {
		let types;
		try {
			types = read(name);
		} catch (error) {
			if (!(error instanceof EbpfError)) throw error;
			continue;
		}

		yield {name, types};
	}
}
