/** Addresses as bytes in network order, and as people write them. */

import {EbpfError} from './errors.js';

/** A text is not an address. */
export class AddressError extends EbpfError {
	static {
		this.prototype.name = 'AddressError';
	}

	readonly code = 'ERR_ADDRESS';

	constructor(kind: string, text: string) {
		super(
			`parse ${kind} ${JSON.stringify(text.slice(0, 80))}: it is not of the form ${forms[kind] ?? kind}`,
		);
	}
}

const forms: Readonly<Record<string, string>> = {
	'ipv4 address': '192.0.2.1',
	'ipv6 address': '2001:db8::1',
	'mac address': '02:00:00:00:00:01',
	prefix: '192.0.2.0/24 or 2001:db8::/32',
};

/** 4 bytes. *Throws:* `ERR_ADDRESS`. */
export function parseIpv4(text: string): Uint8Array {
	return ipv4Bytes(parseIpv4Number(text));
}

/** The same as a number of 32 bits, of which the highest byte is the first. *Throws:* `ERR_ADDRESS`. */
export function parseIpv4Number(text: string): number {
	const number = readIpv4(text);
	if (number === undefined) throw new AddressError('ipv4 address', text);
	return number;
}

/**
 * Four decimal numbers, and nothing else that some take for an address. Maps are filled with
 * addresses by the thousand, so it reads each character once.
 */
function readIpv4(text: string): number | undefined {
	let address = 0;
	let at = 0;
	for (let i = 0; i < 4; i++) {
		const start = at;
		let number = 0;
		for (; at < text.length && at < start + 4; at++) {
			const digit = text.charCodeAt(at) - 48;
			if (digit < 0 || digit > 9) break;
			number = number * 10 + digit;
		}

		// A leading zero makes a number octal for some and decimal for others.
		const hasZero = text.charCodeAt(start) === 48 && at > start + 1;
		if (at === start || number > 255 || hasZero) return undefined;
		address = (address << 8) | number;
		if (i < 3 && text.charCodeAt(at++) !== 46) return undefined;
	}

	return at === text.length ? address >>> 0 : undefined;
}

function ipv4Bytes(number: number): Uint8Array {
	const bytes = new Uint8Array(4);
	bytes[0] = number >>> 24;
	bytes[1] = number >>> 16;
	bytes[2] = number >>> 8;
	bytes[3] = number;
	return bytes;
}

/** 16 bytes; an IPv4 address may stand for its mapped form. *Throws:* `ERR_ADDRESS`. */
export function parseIpv6(text: string): Uint8Array {
	const ipv6 = readIpv6(text);
	if (ipv6 !== undefined) return ipv6;
	// What stands behind the last colon may be written as an address of IPv4.
	const start = text.lastIndexOf(':') + 1;
	const ipv4 = readIpv4(text.slice(start));
	const head = start === 0 ? '::ffff:' : text.slice(0, start);
	const whole = ipv4 === undefined ? undefined : readIpv6(`${head}${groupsOf(ipv4)}`);
	if (whole === undefined) throw new AddressError('ipv6 address', text);
	return whole;
}

const groupsOf = (ipv4: number): string =>
	`${(ipv4 >>> 16).toString(16)}:${(ipv4 & 0xffff).toString(16)}`;

/** Groups of hexadecimal digits with at most one `::`; undefined for what is written otherwise. */
function readIpv6(text: string): Uint8Array | undefined {
	const bytes = new Uint8Array(16);
	let groups = 0;
	let gap = -1;
	let at = 0;
	while (at < text.length) {
		if (text.charCodeAt(at) === colon) {
			// Behind a group there is one that separates, which is not looked at again.
			const isGap = at === 0 ? text.charCodeAt(++at) === colon : gap < 0;
			if (!isGap || gap >= 0) return undefined;
			gap = groups;
			at++;
			continue;
		}

		const start = at;
		let group = 0;
		for (; at < text.length && at < start + 4; at++) {
			const digit = digitAt(text, at);
			if (digit < 0) break;
			group = (group << 4) | digit;
		}

		if (at === start || groups === 8) return undefined;
		bytes[groups * 2] = group >> 8;
		bytes[groups * 2 + 1] = group;
		groups++;
		if (at === text.length) break;
		// Nothing ends with a single colon.
		if (text.charCodeAt(at++) !== colon || at === text.length) return undefined;
	}

	if (gap < 0) return groups === 8 ? bytes : undefined;
	if (groups === 8) return undefined;
	// What follows the gap stands at the end.
	const tail = (groups - gap) * 2;
	bytes.copyWithin(16 - tail, gap * 2, groups * 2);
	bytes.fill(0, gap * 2, 16 - tail);
	return bytes;
}

const colon = 58;
const hyphen = 45;
const hexDigits = Int8Array.from({length: 128}, (_, code) => {
	const digit = Number.parseInt(String.fromCharCode(code), 16);
	return Number.isNaN(digit) ? -1 : digit;
});
/** Of a hexadecimal digit; -1 for anything else. */
const digitAt = (text: string, at: number): number => hexDigits[text.charCodeAt(at)] ?? -1;

/** 6 bytes. *Throws:* `ERR_ADDRESS`. */
export function parseMac(text: string): Uint8Array {
	const bytes = new Uint8Array(6);
	let isMac = text.length === 17;
	for (let i = 0; i < 6 && isMac; i++) {
		const at = i * 3;
		const byte = (digitAt(text, at) << 4) | digitAt(text, at + 1);
		const end = text.charCodeAt(at + 2);
		isMac = byte >= 0 && (i === 5 || end === colon || end === hyphen);
		bytes[i] = byte;
	}

	if (!isMac) throw new AddressError('mac address', text);
	return bytes;
}

/** An address of either family and the number of its leading bits that count. */
export interface Prefix {
	/** 4 or 16. */
	readonly address: Uint8Array;
	readonly length: number;
}

/** A prefix; a bare address is one of full length. *Throws:* `ERR_ADDRESS`. */
export function parsePrefix(text: string): Prefix {
	const slash = text.indexOf('/');
	const head = slash < 0 ? text : text.slice(0, slash);
	const ipv4 = readIpv4(head);
	const bits = ipv4 === undefined ? 128 : 32;
	const length = slash < 0 ? bits : readLength(text, slash + 1);
	if (!(length <= bits)) throw new AddressError('prefix', text);
	try {
		return {address: ipv4 === undefined ? parseIpv6(head) : ipv4Bytes(ipv4), length};
	} catch {
		throw new AddressError('prefix', text);
	}
}

/** One to three digits from there to the end; NaN for anything else. */
function readLength(text: string, start: number): number {
	if (text.length === start || text.length > start + 3) return NaN;
	let length = 0;
	for (let at = start; at < text.length; at++) {
		const digit = text.charCodeAt(at) - 48;
		if (digit < 0 || digit > 9) return NaN;
		length = length * 10 + digit;
	}

	return length;
}

/** The prefix without the bits of its address that it does not cover. */
export function networkOf(prefix: Prefix): Prefix {
	const {address, length} = prefix;
	let network = address;
	for (let i = length >> 3; i < address.length; i++) {
		const byte = address[i] ?? 0;
		const covered = byte & (0xff00 >> Math.max(length - i * 8, 0));
		if (covered === byte) continue;
		if (network === address) network = new Uint8Array(address);
		network[i] = covered;
	}

	return network === address ? prefix : {address: network, length};
}

const digits = Array.from({length: 256}, (_, byte) => byte.toString(16));
const pairs = digits.map(text => text.padStart(2, '0'));

/** `192.0.2.1` of the 4 bytes at `offset`. */
export function formatIpv4(bytes: DataView, offset = 0): string {
	const u8 = (i: number): number => bytes.getUint8(offset + i);
	return `${u8(0)}.${u8(1)}.${u8(2)}.${u8(3)}`;
}

/** The canonical text (RFC 5952) of the 16 bytes at `offset`. */
export function formatIpv6(bytes: DataView, offset = 0): string {
	const isMapped =
		bytes.getUint32(offset) === 0 &&
		bytes.getUint32(offset + 4) === 0 &&
		bytes.getUint32(offset + 8) === 0xffff;
	if (isMapped) return `::ffff:${formatIpv4(bytes, offset + 12)}`;

	// The first longest run of two or more zero groups becomes `::`.
	let [start, length] = [-2, 1];
	for (let i = 0, run = 0; i < 8; i++) {
		run = bytes.getUint16(offset + i * 2) === 0 ? run + 1 : 0;
		if (run > length) [start, length] = [i - run + 1, run];
	}

	let text = '';
	for (let i = 0; i < 8; i++) {
		if (i === start) {
			text += '::';
			i += length - 1;
			continue;
		}

		if (i > 0 && i !== start + length) text += ':';
		const high = bytes.getUint8(offset + i * 2);
		const low = bytes.getUint8(offset + i * 2 + 1);
		text += (high === 0 ? digits[low] : `${digits[high]}${pairs[low]}`) ?? '';
	}

	return text;
}

/** `02:00:00:00:00:01` of the 6 bytes at `offset`. */
export function formatMac(bytes: DataView, offset = 0): string {
	const pair = (i: number): string => pairs[bytes.getUint8(offset + i)] ?? '';
	return `${pair(0)}:${pair(1)}:${pair(2)}:${pair(3)}:${pair(4)}:${pair(5)}`;
}

/** The same of bytes. */
export function formatMacBytes(bytes: Uint8Array): string {
	return formatMac(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
}

/** `192.0.2.1`, `2001:db8::1`, of 4 or 16 bytes. */
export function formatAddress(address: Uint8Array): string {
	const view = new DataView(address.buffer, address.byteOffset, address.length);
	return address.length === 4 ? formatIpv4(view) : formatIpv6(view);
}

/** `192.0.2.0/24`. */
export function formatPrefix({address, length}: Prefix): string {
	return `${formatAddress(address)}/${length}`;
}
