import {UsageError} from '../base/errors.js';

/** Stands for a number that is newer than this table; every `...Number` function accepts it back. */
export type UnknownName = `unknown(${number})`;

/** Both directions of one of the kernel's enumerations. */
export interface Names<Name extends string> {
	/** The name of `number`, or `unknown(number)`. */
	name(number: number): Name | UnknownName;

	/**
	 * The number of `name`.
	 *
	 * *Throws:* `ERR_USAGE` for a name that is neither in the table nor of the form `unknown(7)`.
	 */
	number(name: Name | UnknownName): number;
}

/** Looks names up by Map, so a hostile name such as `__proto__` is merely unknown. */
export function createNames<Name extends string>(
	what: string,
	table: Readonly<Record<Name, number>>,
): Names<Name> {
	const entries = Object.entries(table) as [Name, number][];
	const numbers = new Map<string, number>(entries);
	const names = new Map(entries.map(([name, number]) => [number, name]));
	return {
		name: number => names.get(number) ?? `unknown(${number})`,
		number(name) {
			const number = numbers.get(name) ?? unknownNumber(name);
			if (number === undefined) {
				throw new UsageError(`look up ${what} "${name}": no such ${what}`);
			}

			return number;
		},
	};
}

function unknownNumber(name: string): number | undefined {
	const digits = /^unknown\((-?\d{1,10})\)$/.exec(name)?.[1];
	return digits === undefined ? undefined : Number(digits);
}
