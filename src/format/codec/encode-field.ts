import {parseIpv4, parseIpv6, parseMac} from '../../base/address.js';
import {CodecError, refuse} from './codec-error.js';
import type {FieldCodec} from './layout.js';

/** Writes a field whose codec was chosen by name. */
export function fieldWriter(
	{size, codec}: {readonly size: number; readonly codec: FieldCodec},
	path: string,
): (value: unknown, view: DataView, offset: number) => void {
	const fail = (expected: string, value: unknown): never => refuse(path, expected, value);

	const put = (bytes: Uint8Array, view: DataView, offset: number): void => {
		new Uint8Array(view.buffer, view.byteOffset + offset, size).set(bytes);
	};

	const text = (value: unknown, expected: string, parse: (text: string) => Uint8Array) => {
		if (typeof value !== 'string') return fail(expected, value);
		try {
			return parse(value);
		} catch (cause) {
			throw new CodecError('write', path, (cause as Error).message, {cause});
		}
	};

	switch (codec) {
		case 'be16':
			return (value, view, offset) => {
				view.setUint16(offset, Number(whole(value, 16)));
			};
		case 'be32':
			return (value, view, offset) => {
				view.setUint32(offset, Number(whole(value, 32)));
			};
		case 'be64':
			return (value, view, offset) => {
				view.setBigUint64(offset, whole(value, 64));
			};
		case 'ipv4':
			return (value, view, offset) => {
				put(text(value, 'an IPv4 address', parseIpv4), view, offset);
			};
		case 'ipv6':
			return (value, view, offset) => {
				put(text(value, 'an IPv6 address', parseIpv6), view, offset);
			};
		case 'mac':
			return (value, view, offset) => {
				put(text(value, 'a MAC address', parseMac), view, offset);
			};
		case 'string':
			return (value, view, offset) => {
				if (typeof value !== 'string') return fail('a string', value);
				const bytes = Buffer.from(value);
				if (bytes.includes(0)) fail('a string without NUL', value);
				if (bytes.length >= size) fail(`a string of at most ${size - 1} bytes`, value);
				put(bytes, view, offset);
			};
		case 'bytes':
			return (value, view, offset) => {
				const isBytes = value instanceof Uint8Array && value.length === size;
				if (!isBytes) return fail(`a Uint8Array of ${size} bytes`, value);
				put(value, view, offset);
			};
		case 'hex':
			return (value, view, offset) => {
				const isHex = typeof value === 'string' && /^(?:[\da-f]{2})*$/i.test(value);
				if (!isHex || value.length !== size * 2)
					fail(`${size * 2} hexadecimal digits`, value);
				put(Buffer.from(value as string, 'hex'), view, offset);
			};
	}

	function whole(value: unknown, bits: number): bigint {
		const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
		const number = isWhole ? BigInt(value as number) : -1n;
		const high = 2n ** BigInt(bits) - 1n;
		if (number < 0n || number > high) fail(`a whole number from 0 to ${high}`, value);
		return number;
	}
}
