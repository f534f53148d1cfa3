import {Btf} from '../../format/btf/btf.js';
import {kernelBtf} from '../../kernel/host/kernel-btf.js';
import {btfBytes, btfInfo} from '../../kernel/sys/info.js';
import {Fd} from '../../kernel/sys/fd.js';
import {objectIds, tryObjectFdById} from '../../kernel/sys/object.js';

/** The types of a kernel module; programs refer to them by descriptor. */
export interface ModuleTypes {
	readonly name: string;
	readonly btf: Btf;
	readonly fd: Pick<Fd, 'number' | 'close'>;
}

/**
 * The types of each loaded module, one after the other; the caller closes every `fd`. A module
 * that went away meanwhile, or whose types are damaged, is passed over.
 *
 * *Kernel:* 5.11. *Throws:* `ERR_SYSCALL` without the privilege (CAP_SYS_ADMIN).
 */
export function* moduleTypes(): Generator<ModuleTypes> {
	for (const id of objectIds('btf')) {
		const number = tryObjectFdById('btf', id);
		if (number === undefined) continue;
		const fd = new Fd(number, `types ${id}`);
		const module = readModule(fd);
		if (module === undefined) fd.close();
		else yield module;
	}
}

function readModule(fd: Fd): ModuleTypes | undefined {
	const {kernel, name} = btfInfo(fd.number);
	if (!kernel || name === 'vmlinux') return undefined;
	try {
		return {name, btf: Btf.parse(btfBytes(fd.number), {base: kernelBtf()}), fd};
	} catch {
		return undefined;
	}
}
