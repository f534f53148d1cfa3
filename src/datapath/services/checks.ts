/** What fields of services have to be. All of it throws `ERR_USAGE`, which names the field. */

import {UsageError} from '../../base/errors.js';
import {nearest} from '../../base/suggest.js';
import {readAddress, type Family, type KnownAddress} from './addresses.js';

/** undefined: it is none. */
export function tryAddress(text: string): KnownAddress | undefined {
	try {
		return readAddress(text);
	} catch {
		return undefined;
	}
}

/** Is it a whole number between these? */
export function isWhole(value: unknown, low: number, high: number): boolean {
	return Number.isInteger(value) && (value as number) >= low && (value as number) <= high;
}

/** Has an object no fields but these? */
export function hasOnly(value: object, fields: readonly string[]): boolean {
	for (const name in value) if (!fields.includes(name)) return false;
	return true;
}

/** An address. */
export function addressIn(field: string, text: unknown): {family: Family; text: string} {
	if (typeof text !== 'string') return refuse(field, 'is an address', text);
	try {
		return readAddress(text);
	} catch (cause) {
		return refuse(field, 'is an address', text, cause);
	}
}

/** A whole number between these. */
export function wholeIn(field: string, value: unknown, low: number, high: number): number {
	if (isWhole(value, low, high)) return value as number;
	return refuse(field, `is a whole number from ${low} to ${high}`, value);
}

/** One of some words. */
export function choose(field: string, value: unknown, choices: readonly string[]): void {
	if (choices.includes(value as string)) return;
	refuse(field, `is one of ${choices.join(', ')}`, value);
}

/** An object with no fields but these. */
export function checkObject(what: string, value: unknown, fields: readonly string[]): void {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) {
		refuse(what, 'is an object', value);
	}

	if (hasOnly(value, fields)) return;
	const unknown = Object.keys(value).find(key => !fields.includes(key));
	if (unknown === undefined) return;
	const close = nearest(unknown, fields);
	const hint = close === undefined ? '' : `; did you mean "${close}"?`;
	throw new UsageError(`read service: ${what} has no field "${unknown}"${hint}`);
}

/** Says what a field should be. */
export function refuse(field: string, what: string, value: unknown, cause?: unknown): never {
	const text = typeof value === 'string' ? `"${value}"` : JSON.stringify(value);
	throw new UsageError(
		`read service: ${field} ${what}, got ${text}`,
		cause === undefined ? {} : {cause},
	);
}
