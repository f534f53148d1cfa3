import {readFileSync} from 'node:fs';

import {EbpfError} from '../../base/errors.js';
import {Btf} from '../../format/btf/btf.js';
import {parseElf} from '../../format/elf/elf.js';
import {addon} from '../../kernel/sys/addon.js';
import {btfBytes, btfInfo} from '../../kernel/sys/info.js';
import {objectFdById} from '../../kernel/sys/object.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {kernelBtf} from '../../kernel/host/kernel-btf.js';

/** There is no BTF object of that id, no such file, or it cannot be read. */
export class BtfOpenError extends EbpfError {
	static {
		this.prototype.name = 'BtfOpenError';
	}

	readonly code = 'ERR_BTF_OPEN';
}

/** The types of the BTF object that the kernel numbers `id`. *Throws:* `ERR_BTF_OPEN`. */
export function openBtfById(id: number): Btf {
	let fd;
	try {
		fd = objectFdById('btf', id);
	} catch (cause) {
		if (!(cause instanceof SyscallError)) throw cause;
		const detail =
			cause.errnoName === 'ENOENT' ? 'there is no BTF object with this id' : cause.message;
		throw new BtfOpenError(`open btf ${id}: ${detail}`, {cause, errno: cause.errno});
	}

	try {
		// A module's types continue those of the kernel.
		const {kernel, name} = btfInfo(fd);
		const bytes = btfBytes(fd);
		return kernel && name !== 'vmlinux'
			? Btf.parse(bytes, {base: kernelBtf()})
			: Btf.parse(bytes);
	} finally {
		addon.closeFd(fd);
	}
}

/**
 * The types in a file: BTF as it is, or in the section `.BTF` of an object or a kernel's image.
 *
 * *Throws:* `ERR_BTF_OPEN`, with the reason as `cause`.
 */
export function openBtfFile(path: string): Btf {
	try {
		const bytes = readFileSync(path);
		const isElf = bytes.length > 4 && bytes.readUInt32BE(0) === elfMagic;
		const types = isElf ? parseElf(bytes).section('.BTF')?.data : bytes;
		if (types !== undefined) return Btf.parse(types);
	} catch (cause) {
		if (!(cause instanceof Error)) throw cause;
		throw new BtfOpenError(`open btf "${path}": ${cause.message}`, {cause});
	}

	throw new BtfOpenError(`open btf "${path}": it has no section ".BTF"`);
}

const elfMagic = 0x7f_45_4c_46;
