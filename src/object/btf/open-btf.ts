import {Btf} from '../../format/btf/btf.js';
import {EbpfError} from '../../base/errors.js';
import {addon} from '../../kernel/sys/addon.js';
import {btfBytes, btfInfo} from '../../kernel/sys/info.js';
import {objectFdById} from '../../kernel/sys/object.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {kernelBtf} from '../../kernel/host/kernel-btf.js';

/** There is no BTF object of that id, or it cannot be read. */
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
