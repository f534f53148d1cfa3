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

const {EINVAL, EPERM} = constants.errno;

/** The kernel refused type information. */
export class BtfLoadError extends EbpfError {
	static {
		this.prototype.name = 'BtfLoadError';
	}

	readonly code = 'ERR_BTF_LOAD';
	/** What the kernel's checker printed. */
	readonly log: string;
	private readonly what: string;
	private readonly refusal: number;

	/** `failed`: what was tried without the types, and failed as well. */
	constructor(what: string, errno: number, log: string, failed?: EbpfError) {
		const lines = log.trimEnd().split('\n');
		const reason = errno === EPERM ? explainPermission('bpf') : (lines.at(-1) ?? '');
		const detail = `${errnoText(errno)} (${errnoName(errno)})`;
		const then = failed === undefined ? '' : `; without them: ${failed.message}`;
		super(
			`load types of "${what}": ${detail}${reason === '' ? '' : `: ${reason}`}${then}`,
			failed === undefined ? {errno} : {errno, cause: failed},
		);
		this.log = log;
		this.what = what;
		this.refusal = errno;
	}

	/** The same where what needs no types, as a rule, failed without them, too. */
	andThen(error: unknown): unknown {
		if (!(error instanceof EbpfError) || !needingTypes.has(error.code)) return error;
		return new BtfLoadError(this.what, this.refusal, this.log, error);
	}
}

/** Refusals that may come of types not being there. */
const needingTypes: ReadonlySet<string> = new Set(['ERR_MAP', 'ERR_PROGRAM', 'ERR_VERIFIER']);

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
	/** Undefined where the kernel takes no types at all, or not these. */
	readonly fd: Fd | undefined;
	/** What had to be left out of them for this kernel, the newest first. */
	readonly stripped: readonly BtfFeature[];
	/** Why it takes none of them although it knows what types are. */
	readonly refusal?: BtfLoadError;
}

/**
 * Gives types to the kernel, which maps and programs then refer to by descriptor. What this kernel
 * is too old for is left out, the newest first, until it takes the rest; externs, which are for the
 * loader only, always are (`externs` says that there are some). Few programs need their types: what
 * the kernel refuses altogether is part of the result.
 *
 * `what` names the object file in errors. *Throws:* `ERR_BTF_LOAD` without permission.
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
	const bytes = externs ? stripBtf(btf, new Set()) : btf.bytes;
	if (refusal === EPERM) throw loadError(bytes, what, refusal, load);

	const present = refusal === EINVAL ? featuresOf(btf) : [];
	// Without any of them, it is the externs that are refused.
	const start = !externs && hasExterns(btf) ? 0 : 1;
	for (let count = start; count <= present.length; count++) {
		const stripped = present.slice(0, count);
		const {result} = load(stripBtf(btf, new Set(stripped)));
		if (result >= 0) return {fd: typesFd(result, what), stripped};
	}

	const none = {fd: undefined, stripped: present};
	if (!takesTypes(load)) return none;
	return {...none, stripped: [], refusal: loadError(bytes, what, refusal, load)};
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
