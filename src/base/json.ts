import {hex} from './bytes.js';

/** JSON text of a value; 64-bit numbers with all their digits, bytes in hexadecimal. */
export function jsonOf(value: unknown): string {
	if (typeof value === 'bigint') return String(value);
	if (value instanceof Uint8Array) return `"${hex(value, '')}"`;
	if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
	if (value instanceof Map) return jsonOf(Object.fromEntries(value));
	if (typeof value === 'object' && value !== null) {
		const fields = Object.entries(value)
			.filter(([, each]) => each !== undefined)
			.map(([name, each]) => `${JSON.stringify(name)}:${jsonOf(each)}`);
		return `{${fields.join(',')}}`;
	}

	// What JSON has no word for, such as infinities, it writes as null.
	return value === undefined ? 'null' : JSON.stringify(value);
}
