/** Options of neighbour discovery (RFC 4861, 8106). */

import {formatIpv6, formatMac} from '../../base/address.js';
import type {Writer} from './fields.js';

/** One option of neighbour discovery; those without a kind of their own are `raw`. */
export type NeighbourOption =
	| {readonly kind: 'sourceLinkLayer' | 'targetLinkLayer'; readonly mac: string}
	| {
			readonly kind: 'prefix';
			readonly prefix: string;
			readonly length: number;
			readonly onLink: boolean;
			readonly autonomous: boolean;
			/** Seconds; 0xffffffff is for ever. */
			readonly validLifetime: number;
			/** Seconds; 0xffffffff is for ever. */
			readonly preferredLifetime: number;
	  }
	| {readonly kind: 'mtu'; readonly mtu: number}
	| {
			readonly kind: 'dnsServers';
			/** Seconds. */
			readonly lifetime: number;
			readonly servers: readonly string[];
	  }
	/** Data is 6 bytes, or 8 or 16 … more. */
	| {readonly kind: 'raw'; readonly type: number; readonly data: Uint8Array}
	/** What is no option; it goes to the end of the message. */
	| {readonly kind: 'malformed'; readonly bytes: Uint8Array};

/** Bytes of all. */
export function sizeOfNeighbourOptions(options: readonly NeighbourOption[]): number {
	let size = 0;
	for (const option of options) size += sizeOf(option);
	return size;
}

function sizeOf(option: NeighbourOption): number {
	switch (option.kind) {
		case 'sourceLinkLayer':
		case 'targetLinkLayer':
		case 'mtu':
			return 8;
		case 'prefix':
			return 32;
		case 'dnsServers':
			return 8 + option.servers.length * 16;
		case 'raw':
			return 2 + option.data.length;
		case 'malformed':
			return option.bytes.length;
	}
}

export function writeNeighbourOptions(options: readonly NeighbourOption[], out: Writer): void {
	for (const option of options) {
		const size = sizeOf(option);
		const head = (type: number): void => {
			if (size % 8 !== 0) out.refuse('options', `${size} bytes long`, 'a multiple of 8');
			out.u8('options.type', type);
			out.u8('options.length', size / 8);
		};
		switch (option.kind) {
			case 'sourceLinkLayer':
			case 'targetLinkLayer':
				head(option.kind === 'sourceLinkLayer' ? 1 : 2);
				out.mac('options.mac', option.mac);
				break;
			case 'prefix':
				head(3);
				out.u8('options.length', option.length);
				out.u8(
					'options.flags',
					(option.onLink ? 0x80 : 0) | (option.autonomous ? 0x40 : 0),
				);
				out.u32('options.validLifetime', option.validLifetime);
				out.u32('options.preferredLifetime', option.preferredLifetime);
				out.u32('options.reserved', 0);
				out.ipv6('options.prefix', option.prefix);
				break;
			case 'mtu':
				head(5);
				out.u16('options.reserved', 0);
				out.u32('options.mtu', option.mtu);
				break;
			case 'dnsServers':
				head(25);
				out.u16('options.reserved', 0);
				out.u32('options.lifetime', option.lifetime);
				for (const server of option.servers) out.ipv6('options.servers', server);
				break;
			case 'raw':
				head(option.type);
				out.raw(option.data);
				break;
			case 'malformed':
				out.raw(option.bytes);
				break;
		}
	}
}

export function readNeighbourOptions(
	bytes: Uint8Array,
	view: DataView,
	start: number,
	end: number,
): NeighbourOption[] {
	const options: NeighbourOption[] = [];
	for (let at = start; at < end;) {
		const length = at + 1 < end ? view.getUint8(at + 1) * 8 : 0;
		if (length === 0 || at + length > end) {
			options.push({kind: 'malformed', bytes: bytes.subarray(at, end)});
			return options;
		}

		options.push(readOption(bytes, view, at, length));
		at += length;
	}

	return options;
}

/** What has bits in reserved places stays raw, so that nothing is lost. */
function readOption(
	bytes: Uint8Array,
	view: DataView,
	at: number,
	length: number,
): NeighbourOption {
	const type = view.getUint8(at);
	const reserved = length > 2 ? view.getUint16(at + 2) : 0;
	if ((type === 1 || type === 2) && length === 8) {
		const kind = type === 1 ? 'sourceLinkLayer' : 'targetLinkLayer';
		return {kind, mac: formatMac(view, at + 2)};
	}

	if (type === 3 && length === 32 && (reserved & 0x3f) === 0 && view.getUint32(at + 12) === 0) {
		return {
			kind: 'prefix',
			prefix: formatIpv6(view, at + 16),
			length: reserved >> 8,
			onLink: (reserved & 0x80) !== 0,
			autonomous: (reserved & 0x40) !== 0,
			validLifetime: view.getUint32(at + 4),
			preferredLifetime: view.getUint32(at + 8),
		};
	}

	if (type === 5 && length === 8 && reserved === 0) {
		return {kind: 'mtu', mtu: view.getUint32(at + 4)};
	}

	if (type === 25 && length % 16 === 8 && reserved === 0) {
		const servers = [];
		for (let i = at + 8; i < at + length; i += 16) servers.push(formatIpv6(view, i));
		return {kind: 'dnsServers', lifetime: view.getUint32(at + 4), servers};
	}

	return {kind: 'raw', type, data: bytes.subarray(at + 2, at + length)};
}
