/** Reads what the command line's words stand for. */

import {UsageError} from '../base/errors.js';

/** A whole number from `low` to `high`. */
export function wholeNumber(
	what: string,
	low = 0,
	high = Number.MAX_SAFE_INTEGER,
): (text: string) => number {
	const range = high === Number.MAX_SAFE_INTEGER ? `${low} on` : `${low} to ${high}`;
	return text => {
		const number = Number(text);
		if (!/^\d+$/.test(text) || number < low || number > high) {
			throw new UsageError(`read ${what} "${text}": expected a whole number from ${range}`);
		}

		return number;
	};
}

/** A port, or the id of an ICMP echo. */
export const portNumber = wholeNumber('port', 0, 0xffff);

/** Adds one more of an option that may be given several times. */
export function collect(text: string, list: readonly string[] = []): string[] {
	return [...list, text];
}

/** `0a0b0c`, also with blanks or colons between the bytes. */
export function hexBytes(text: string): Uint8Array {
	const digits = text.replaceAll(/[\s:]|^0x/g, '');
	if (!/^(?:[\da-f]{2})*$/i.test(digits)) {
		throw new UsageError(`read bytes "${text}": expected pairs of hexadecimal digits`);
	}

	return Uint8Array.from(Buffer.from(digits, 'hex'));
}

/** An object named by its number or by its pin. */
export type Reference = {readonly id: number} | {readonly path: string};

export function reference(text: string): Reference {
	if (/^\d+$/.test(text)) return {id: wholeNumber('id', 1)(text)};
	return {path: text};
}

/**
 * A value as JSON, whole numbers beyond 2^53 kept exact; a word that is no JSON is a string.
 */
export function jsonValue(text: string): unknown {
	const marked = text.replaceAll(
		/("(?:[^"\\]|\\.)*")|(-?\b\d{16,}\b(?![.eE\d]))/g,
		(all, string: string | undefined) =>
			string === undefined ? `{"${bigintMark}":"${all}"}` : all,
	);
	try {
		return JSON.parse(marked, (_, value: unknown) => {
			const isMark = typeof value === 'object' && value !== null && bigintMark in value;
			return isMark ? BigInt(value[bigintMark] as string) : value;
		});
	} catch {
		if (/^[[{"]/.test(text)) throw new UsageError(`read value ${text}: it is not valid JSON`);
		return text;
	}
}

const bigintMark = '\uE000bigint';

type Tree = {[name: string]: string | Tree};

/**
 * Codecs for fields of keys and values: `key.saddr=ipv4`, `value.mac=mac`, `key=be32`.
 */
export function fieldCodecs(words: readonly string[]): {
	key?: string | Tree;
	value?: string | Tree;
} {
	const root: Tree = {};
	for (const word of words) {
		const [path = '', codec, ...rest] = word.split('=');
		const parts = path.split('.');
		const isWhole = codec !== undefined && codec !== '' && rest.length === 0;
		if (!isWhole || (parts[0] !== 'key' && parts[0] !== 'value') || parts.includes('')) {
			throw new UsageError(
				`read field "${word}": expected key.FIELD=CODEC or value.FIELD=CODEC`,
			);
		}

		place(root, parts, codec, word);
	}

	return root;
}

function place(root: Tree, parts: readonly string[], codec: string, word: string): void {
	let at = root;
	for (const part of parts.slice(0, -1)) {
		const next = Object.hasOwn(at, part) ? at[part] : undefined;
		if (typeof next === 'string') throw new UsageError(`read field "${word}": chosen twice`);
		at = next ?? (at[part] = Object.create(null) as Tree);
	}

	const last = parts.at(-1) ?? '';
	if (Object.hasOwn(at, last)) throw new UsageError(`read field "${word}": chosen twice`);
	at[last] = codec;
}
