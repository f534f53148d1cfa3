import {constants} from 'node:os';

import {EbpfError} from '../../base/errors.js';
import {cString} from '../../base/bytes.js';
import type {Btf} from '../../format/btf/btf.js';
import {BtfBuilder} from '../../format/btf/builder.js';
import {type BtfFeature, featuresOf, hasExterns, stripBtf} from '../../format/btf/strip.js';
import {explainPermission} from '../../kernel/host/permission.js';
import {addon} from '../../kernel/sys/addon.js';
import {Fd} from '../../kernel/sys/fd.js';
import {btfLoad} from '../../kernel/sys/object.js';
import {errnoName, errnoText} from '../../uapi/errno.js';

const {EINVAL} = constants.errno;

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
 * Gives types to the kernel, just as they are. `what` names the object file in errors.
 *
 * *Kernel:* 4.18. *Throws:* `ERR_BTF_LOAD`.
 */
export function loadBtf({bytes}: Pick<Btf, 'bytes'>, what: string): Fd {
	const {result} = btfLoad(bytes);
	if (result < 0) throw loadError(bytes, what, -result);
	return typesFd(result, what);
}

/** Types in the kernel. */
export interface LoadedTypes {
	/** Undefined where the kernel takes no types at all. */
	readonly fd: Fd | undefined;
	/** What had to be left out of them for this kernel, the newest first. */
	readonly stripped: readonly BtfFeature[];
}

/**
 * Gives types to the kernel, which maps and programs then refer to by descriptor. What this kernel
 * is too old for is left out, the newest first, until it takes the rest; externs, which are for the
 * loader only, always are (`externs` says that there are some).
 *
 * `what` names the object file in errors. *Throws:* `ERR_BTF_LOAD`.
 */
export function loadTypes(
	btf: Btf,
	what: string,
	externs = false,
	load: typeof btfLoad = btfLoad,
): LoadedTypes {
	const first = load(externs ? stripBtf(btf, new Set()) : btf.bytes);
	if (first.result >= 0) return {fd: typesFd(first.result, what), stripped: []};
	const refusal = -first.result;
	if (refusal !== EINVAL) throw loadError(btf.bytes, what, refusal, load);

	const present = featuresOf(btf);
	// Without any of them, it is the externs that are refused.
	const start = !externs && hasExterns(btf) ? 0 : 1;
	for (let count = start; count <= present.length; count++) {
		const stripped = present.slice(0, count);
		const {result} = load(stripBtf(btf, new Set(stripped)));
		if (result >= 0) return {fd: typesFd(result, what), stripped};
	}

	const refused = loadError(externs ? stripBtf(btf, new Set()) : btf.bytes, what, refusal, load);
	if (takesTypes(load)) throw refused;
	return {fd: undefined, stripped: present};
}

/** Does this kernel know any types? *Kernel:* 4.18. */
function takesTypes(load: typeof btfLoad): boolean {
	const smallest = new BtfBuilder();
	const common = {signed: false, char: false, bool: false};
	smallest.add({kind: 'int', name: 'int', size: 4, bits: 32, bitOffset: 0, ...common});
	const {result} = load(smallest.build());
	if (result < 0) return false;
	addon.closeFd(result);
	return true;
}

function typesFd(fd: number, what: string): Fd {
	return new Fd(fd, `types of "${what}"`);
}

function loadError(
	bytes: Uint8Array,
	what: string,
	errno: number,
	load: typeof btfLoad = btfLoad,
): BtfLoadError {
	const log = new Uint8Array(1 << 20);
	const {result} = load(bytes, log);
	if (result >= 0) addon.closeFd(result);
	return new BtfLoadError(what, result < 0 ? -result : errno, cString(log));
}
