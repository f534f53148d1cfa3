/** Formats the lines that tests in C log: a printf format, and arguments that are all 64-bit numbers. */

import {formatAddress} from '../../base/address.js';
import {hostLittleEndian} from '../../base/bytes.js';

/** Bits that an argument is cut to, by its length modifier. */
const widths: Readonly<Record<string, number>> = {hh: 8, h: 16, l: 64, ll: 64, z: 64, j: 64, t: 64};

const specification =
	/%(?:%|(?<flags>[-+ #0]*)(?<width>\d{1,3})?(?:\.(?<precision>\d{1,3}))?(?<length>hh|h|ll|l|z|j|t)?(?<conversion>[diuxXoc]|pI4|p|s))/g;

interface Parts {
	readonly flags: string;
	readonly width?: string;
	readonly precision?: string;
	readonly length?: string;
	readonly conversion: string;
}

/**
 * The text of a format and its arguments. What is no specification, or has no argument, stays as
 * it is; arguments that the format does not name follow it.
 */
export function formatLog(format: string, args: readonly bigint[]): string {
	let next = 0;
	const text = format.replaceAll(specification, (all: string, ...rest: unknown[]) => {
		if (all === '%%') return '%';
		const arg = args[next];
		if (arg === undefined) return all;
		next += 1;
		return formatOne(rest.at(-1) as Parts, arg);
	});
	const left = args.slice(next).map(arg => hexText(arg));
	const whole = left.length === 0 ? text : `${text} [${left.join(', ')}]`;
	// A log comes from an object of any origin: nothing in it may steer a terminal.
	return whole.replaceAll(/[^\P{Cc}\t]/gu, '\ufffd');
}

function hexText(value: bigint): string {
	return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

function formatOne(parts: Parts, arg: bigint): string {
	const {flags, conversion, precision} = parts;
	const bits = conversion.startsWith('p') ? 64 : (widths[parts.length ?? ''] ?? 32);
	const unsigned = BigInt.asUintN(bits, arg);
	const pad = (sign: string, digits: string): string => {
		const body = digits.padStart(Number(precision ?? 0), '0');
		const width = Number(parts.width ?? 0);
		if (flags.includes('-')) return `${sign}${body}`.padEnd(width);
		if (flags.includes('0') && precision === undefined) {
			return `${sign}${body.padStart(width - sign.length, '0')}`;
		}

		return `${sign}${body}`.padStart(width);
	};
	const prefix = (text: string): string => (flags.includes('#') && unsigned !== 0n ? text : '');
	switch (conversion) {
		case 'd':
		case 'i': {
			const value = BigInt.asIntN(bits, arg);
			const plus = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
			return pad(value < 0n ? '-' : plus, String(value < 0n ? -value : value));
		}

		case 'x':
			return pad(prefix('0x'), unsigned.toString(16));
		case 'X':
			return pad(prefix('0X'), unsigned.toString(16).toUpperCase());
		case 'o':
			return pad(prefix('0'), unsigned.toString(8));
		case 'c':
			return pad('', String.fromCharCode(Number(arg & 0xffn)));
		case 'p':
			return pad('0x', unsigned.toString(16));
		case 'pI4':
			return formatAddress(addressBytes(arg));
		// A string's address says nothing here: there is no memory to read it from.
		case 's':
			return hexText(arg);
		default:
			return pad('', String(unsigned));
	}
}

/** The first four bytes of the number as it lay in memory. */
function addressBytes(arg: bigint): Uint8Array {
	const bytes = new Uint8Array(new BigUint64Array([BigInt.asUintN(64, arg)]).buffer);
	return hostLittleEndian ? bytes.subarray(0, 4) : bytes.subarray(4);
}
