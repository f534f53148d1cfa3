import {Attr, tryBpfAsync} from './attr.js';
import {addon} from './addon.js';
import {mapCreate} from './map.js';
import {SyscallError} from './syscall-error.js';

const arrayType = 2;
const arrayOfMapsType = 12;

/**
 * Settles once every program that runs now has ended: whoever starts later sees what was changed
 * before. It does not wait for programs that may sleep.
 *
 * The kernel waits so whenever it puts a map into a map of maps. *Throws:* `ERR_SYSCALL`.
 * *Kernel:* 5.0.
 */
export async function programsEnded(): Promise<void> {
	const common = {
		keySize: 4,
		valueSize: 4,
		maxEntries: 1,
		flags: 0,
		extra: 0n,
		name: 'skep_wait',
	};
	const inner = mapCreate({...common, type: arrayType});
	try {
		const outer = mapCreate({...common, type: arrayOfMapsType, innerMapFd: inner});
		try {
			const value = new Uint8Array(Uint32Array.of(inner).buffer);
			const attr = new Attr(32).u32(0, outer);
			const pointers = [8, new Uint8Array(4), 16, value];
			const result = await tryBpfAsync('map_update_elem', attr, pointers);
			if (result < 0) throw new SyscallError('map_update_elem', -result);
		} finally {
			addon.closeFd(outer);
		}
	} finally {
		addon.closeFd(inner);
	}
}
