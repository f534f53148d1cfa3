/** What objects may ask about the kernel by name: `LINUX_HAS_*`. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {EbpfError} from '../../base/errors.js';
import {helperNumber} from '../../uapi/helpers.js';
import {programTypeNumber} from '../../uapi/program-types.js';
import {kernelBtf} from '../host/kernel-btf.js';
import {KernelSymbols} from '../host/kernel-symbols.js';
import {addon} from '../sys/addon.js';
import {programLoad} from '../sys/program.js';

/** Can probes tell what they were attached for (`bpf_get_attach_cookie`)? *Kernel:* 5.15. */
export function haveAttachCookie(): boolean {
	const instructions = new Uint8Array(16);
	const view = viewOf(instructions);
	view.setUint8(0, 0x85);
	view.setInt32(4, helperNumber('get_attach_cookie'), hostLittleEndian);
	view.setUint8(8, 0x95);
	const {result} = programLoad({
		type: programTypeNumber('tracepoint'),
		instructions,
		license: 'GPL',
		name: '',
		flags: 0,
		attachType: 0,
		logLevel: 0,
	});
	if (result < 0) return false;
	addon.closeFd(result);
	return true;
}

const wrappers = ['__x64_sys_bpf', '__arm64_sys_bpf', '__s390x_sys_bpf', '__riscv_sys_bpf'];

/** Do system calls take their arguments from a struct of registers? *Kernel:* 4.17. */
export function haveSyscallWrapper(): boolean {
	try {
		const types = kernelBtf();
		return wrappers.some(name => types.find(name, 'func') !== undefined);
	} catch (error) {
		if (!(error instanceof EbpfError)) throw error;
		const symbols = new KernelSymbols();
		return wrappers.some(name => symbols.has(name));
	}
}
