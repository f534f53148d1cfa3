/** Packets for test runs, put together layer by layer; no checksums, nothing here reads them. */

import {parseIpv4, parseIpv6} from '../../src/base/address.js';

const u16 = (value: number): number[] => [value >> 8, value & 255];

/** A frame of that Ethernet type, padded to the minimum of 60 bytes. */
export function ethernet(type: number, ...layers: readonly (readonly number[])[]): Uint8Array {
	const header = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, ...u16(type)];
	const bytes = [...header, ...layers.flat()];
	return Uint8Array.from({length: Math.max(60, bytes.length)}, (_, i) => bytes[i] ?? 0);
}

/** A VLAN tag before what follows. */
export function vlan(type: number): number[] {
	return [...u16(7), ...u16(type)];
}

export interface Ipv4Options {
	/** Of 8 bytes. */
	readonly fragment?: number;
	/** Words of options. */
	readonly options?: number;
}

/** 192.0.2.1 to 192.0.2.2. */
export function ipv4(protocol: number, options: Ipv4Options = {}): number[] {
	const {fragment = 0, options: words = 0} = options;
	const head = [0x45 + words, 0, ...u16(40), 0, 0, ...u16(fragment), 64, protocol, 0, 0];
	const padding = Array.from({length: words * 4}, () => 1);
	return [...head, ...parseIpv4('192.0.2.1'), ...parseIpv4('192.0.2.2'), ...padding];
}

/** 2001:db8::1 to 2001:db8::2. */
export function ipv6(next: number): number[] {
	const head = [0x60, 0, 0, 0, ...u16(20), next, 64];
	return [...head, ...parseIpv6('2001:db8::1'), ...parseIpv6('2001:db8::2')];
}

/** An extension header of 8 bytes. */
export function extension(next: number): number[] {
	return [next, 0, 1, 4, 0, 0, 0, 0];
}

/** A fragment header; `offset` in 8 bytes. */
export function fragment(next: number, offset: number): number[] {
	return [next, 0, ...u16(offset << 3), 0, 0, 0, 9];
}

/** From port 4000. */
export function udp(port: number): number[] {
	return [...u16(4000), ...u16(port), ...u16(8), 0, 0];
}

/** From port 4000. */
export function tcp(port: number, flags: number): number[] {
	const numbers = [0, 0, 0, 1, 0, 0, 0, 0];
	return [...u16(4000), ...u16(port), ...numbers, 0x50, flags, ...u16(1000), 0, 0, 0, 0];
}

/** An echo request. */
export function icmp(): number[] {
	return [8, 0, 0, 0, 0, 1, 0, 1];
}
