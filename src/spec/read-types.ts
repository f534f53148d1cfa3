import {readFile} from 'node:fs/promises';

import {Btf, type BtfOptions} from '../format/btf/btf.js';
import {parseElf} from '../format/elf/elf.js';
import {SpecError} from './spec-error.js';

/**
 * The types of a file: BTF as it is, or the section `.BTF` of an object, a kernel or a module.
 *
 * *Throws:* `ERR_SPEC` when there are none, `ERR_ELF`, `ERR_BTF`, and what reading the file throws.
 */
export async function readTypes(path: string, options: BtfOptions = {}): Promise<Btf> {
	const bytes = await readFile(path);
	const [first, second] = bytes;
	const isBtf = (first === 0x9f && second === 0xeb) || (first === 0xeb && second === 0x9f);
	if (isBtf) return Btf.parse(bytes, options);
	const section = parseElf(bytes).section('.BTF');
	if (section === undefined)
		throw new SpecError(`read types of "${path}": the file has no section ".BTF"`, {
			file: path,
		});
	return Btf.parse(section.data, options);
}
