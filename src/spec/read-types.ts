import {readFile} from 'node:fs/promises';

import {Btf, type BtfOptions} from '../format/btf/btf.js';
import {parseElf} from '../format/elf/elf.js';
import {SpecError} from './spec-error.js';

/**
 * The types of a file: BTF as it is, or the section `.BTF` of an object, a kernel or a module.
 *
 * *Throws:* `ERR_SPEC` when there are none, and for a file that cannot be read; `ERR_ELF`, `ERR_BTF`.
 */
export async function readTypes(path: string, options: BtfOptions = {}): Promise<Btf> {
	const bytes = await readBytes(path);
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

async function readBytes(path: string): Promise<Uint8Array> {
	try {
		return await readFile(path);
	} catch (cause) {
		const {code = 'error'} = cause as NodeJS.ErrnoException;
		throw new SpecError(`read types of "${path}": ${code}`, {file: path}, {cause});
	}
}
