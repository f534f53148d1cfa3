import {EbpfError} from '../../base/errors.js';
import {printable} from '../btf/printable.js';

export interface CodecErrorOptions {
	readonly cause?: unknown;
	readonly expected?: string;
	readonly got?: string;
}

/** A value does not fit the type it is to be written as, or a type cannot be read at all. */
export class CodecError extends EbpfError {
	static {
		this.prototype.name = 'CodecError';
	}

	readonly code = 'ERR_CODEC';
	readonly action: string;
	/** The field: `tuple.saddr`, `backends[2].port`; empty for the whole value. */
	readonly path: string;
	/** The message without action and path. */
	readonly detail: string;
	/** What was to be written, where a value did not fit. */
	declare readonly expected?: string;
	/** What was given in its place, shortened. */
	declare readonly got?: string;

	constructor(action: string, path: string, detail: string, options: CodecErrorOptions = {}) {
		const {expected, got, ...rest} = options;
		const subject = path === '' ? 'value' : `field "${printable(path)}"`;
		super(`${action} ${subject}: ${detail}`, rest);
		this.action = action;
		this.path = path;
		this.detail = detail;
		if (expected !== undefined) this.expected = expected;
		if (got !== undefined) this.got = got;
	}

	/** The same about a field of another path. */
	at(path: string): CodecError {
		const {action, detail, expected, got, cause} = this;
		return new CodecError(action, path, detail, {
			...(cause !== undefined && {cause}),
			...(expected !== undefined && {expected}),
			...(got !== undefined && {got}),
		});
	}
}

/** Refuses a value. */
export function refuse(path: string, expected: string, value: unknown): never {
	const got = show(value);
	throw new CodecError('write', path, `expected ${expected}, got ${got}`, {expected, got});
}

/** What a value looks like in an error: short, and on one line. */
export function show(value: unknown): string {
	if (value === undefined) return 'nothing';
	if (typeof value === 'bigint') return showBigInt(value);
	if (typeof value === 'string') return JSON.stringify(value.slice(0, 60));
	if (Array.isArray(value)) return `an array of ${value.length}`;
	if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
	if (typeof value === 'number' || typeof value === 'boolean') return String(value);
	return value === null ? 'null' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function showBigInt(value: bigint): string {
	const isShort = BigInt.asIntN(256, value) === value;
	return isShort ? `${value}n` : 'a bigint of more than 256 bits';
}
