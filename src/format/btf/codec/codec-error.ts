import {EbpfError} from '../../../base/errors.js';

/** A value does not fit the type it is to be written as, or a type cannot be read at all. */
export class CodecError extends EbpfError {
	static {
		this.prototype.name = 'CodecError';
	}

	readonly code = 'ERR_CODEC';
	/** The field: `tuple.saddr`; empty for the whole value. */
	readonly path: string;

	constructor(action: string, path: string, detail: string, options: {cause?: unknown} = {}) {
		super(`${action} ${path === '' ? 'value' : `field "${path}"`}: ${detail}`, options);
		this.path = path;
	}
}

/** What a value looks like in an error: short, and on one line. */
export function show(value: unknown): string {
	if (typeof value === 'bigint') return `${value}n`;
	if (typeof value === 'string') return JSON.stringify(value.slice(0, 60));
	if (Array.isArray(value)) return `an array of ${value.length}`;
	if (value instanceof Uint8Array) return `${value.length} bytes`;
	return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
