/** Options of an IPv4 header. */

import {formatIpv4} from '../../base/address.js';
import type {Writer} from './fields.js';
import {readOptions} from './options.js';

/** One option of an IPv4 header; those without a kind of their own are `raw`. */
export type Ipv4Option =
	| {readonly kind: 'end'}
	| {readonly kind: 'nop'}
	| {
			readonly kind: 'recordRoute' | 'looseSourceRoute' | 'strictSourceRoute';
			/** Where the next address goes, counted from 1 at the option's start. */
			readonly pointer: number;
			readonly addresses: readonly string[];
	  }
	| {readonly kind: 'routerAlert'; readonly value: number}
	| {readonly kind: 'raw'; readonly type: number; readonly data: Uint8Array}
	/** What is no option; it goes to the end of the header. */
	| {readonly kind: 'malformed'; readonly bytes: Uint8Array};

const routes = {recordRoute: 7, looseSourceRoute: 131, strictSourceRoute: 137} as const;
const routerAlert = 148;

/** Bytes, with zeros up to a multiple of four. */
export function sizeOfIpv4Options(options: readonly Ipv4Option[]): number {
	let size = 0;
	for (const option of options) size += sizeOfIpv4Option(option);
	return (size + 3) & ~3;
}

/** Bytes of one option. */
export function sizeOfIpv4Option(option: Ipv4Option): number {
	switch (option.kind) {
		case 'end':
		case 'nop':
			return 1;
		case 'recordRoute':
		case 'looseSourceRoute':
		case 'strictSourceRoute':
			return 3 + option.addresses.length * 4;
		case 'routerAlert':
			return 4;
		case 'raw':
			return 2 + option.data.length;
		case 'malformed':
			return option.bytes.length;
	}
}

/** Must the option be in every fragment, not in the first only (RFC 791)? */
export function isCopiedToFragments(option: Ipv4Option): boolean {
	switch (option.kind) {
		case 'end':
		case 'nop':
		case 'recordRoute':
		case 'malformed':
			return false;
		case 'looseSourceRoute':
		case 'strictSourceRoute':
		case 'routerAlert':
			return true;
		case 'raw':
			return (option.type & 0x80) !== 0;
	}
}

export function writeIpv4Options(options: readonly Ipv4Option[], out: Writer): void {
	const start = out.offset;
	for (const option of options) {
		switch (option.kind) {
			case 'end':
				out.u8('options', 0);
				break;
			case 'nop':
				out.u8('options', 1);
				break;
			case 'recordRoute':
			case 'looseSourceRoute':
			case 'strictSourceRoute':
				out.u8('options', routes[option.kind]);
				out.u8('options.addresses.length', sizeOfIpv4Option(option));
				out.u8('options.pointer', option.pointer);
				for (const address of option.addresses) out.ipv4('options.addresses', address);
				break;
			case 'routerAlert':
				out.u8('options', routerAlert);
				out.u8('options', 4);
				out.u16('options.value', option.value);
				break;
			case 'raw':
				out.u8('options.type', option.type);
				out.u8('options.data.length', 2 + option.data.length);
				out.raw(option.data);
				break;
			case 'malformed':
				out.raw(option.bytes);
				break;
		}
	}

	out.offset += -(out.offset - start) & 3;
}

export function readIpv4Options(
	bytes: Uint8Array,
	view: DataView,
	start: number,
	end: number,
): Ipv4Option[] {
	return readOptions(bytes, view, start, end, readOption);
}

function readOption(
	type: number,
	bytes: Uint8Array,
	view: DataView,
	at: number,
	length: number,
): Ipv4Option {
	if (type === routerAlert && length === 4) {
		return {kind: 'routerAlert', value: view.getUint16(at + 2)};
	}

	for (const [name, number] of Object.entries(routes)) {
		if (type !== number || length < 3 || (length - 3) % 4 !== 0) continue;
		const addresses = [];
		for (let i = at + 3; i < at + length; i += 4) addresses.push(formatIpv4(view, i));
		const kind = name as keyof typeof routes;
		return {kind, pointer: view.getUint8(at + 2), addresses};
	}

	return {kind: 'raw', type, data: bytes.subarray(at + 2, at + length)};
}
