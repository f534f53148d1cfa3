import {EbpfError} from '../../base/errors.js';
import {cString} from '../../base/bytes.js';
import type {Btf} from '../../format/btf/btf.js';
import {explainPermission} from '../../kernel/host/permission.js';
import {Fd} from '../../kernel/sys/fd.js';
import {btfLoad} from '../../kernel/sys/object.js';
import {errnoName, errnoText} from '../../uapi/errno.js';

/** The kernel refused type information. */
export class BtfLoadError extends EbpfError {
	static {
		this.prototype.name = 'BtfLoadError';
	}

	readonly code = 'ERR_BTF_LOAD';
	/** What the kernel's checker printed. */
	readonly log: string;

	constructor(what: string, errno: number, log: string) {
		const lines = log.trimEnd().split('\n');
		const reason = errno === 1 ? explainPermission('bpf') : (lines.at(-1) ?? '');
		const detail = `${errnoText(errno)} (${errnoName(errno)})`;
		super(`load types of "${what}": ${detail}${reason === '' ? '' : `: ${reason}`}`, {errno});
		this.log = log;
	}
}

/**
 * Gives types to the kernel, which maps and programs then refer to by descriptor.
 *
 * `what` names the object file in errors. *Kernel:* 4.18. *Throws:* `ERR_BTF_LOAD`.
 */
export function loadBtf(btf: Pick<Btf, 'bytes'>, what: string): Fd {
	const {result} = btfLoad(btf.bytes);
	if (result >= 0) return new Fd(result, `types of "${what}"`);
	const log = new Uint8Array(1 << 20);
	const again = btfLoad(btf.bytes, log);
	if (again.result >= 0) return new Fd(again.result, `types of "${what}"`);
	throw new BtfLoadError(what, -again.result, cString(log));
}
