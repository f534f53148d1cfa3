/** The places of flows in Maglev tables, as the programs compute them. */

import {UsageError} from '../../base/errors.js';
import {parseIpv4, parseIpv6} from '../../base/address.js';
import {viewOf} from '../../base/bytes.js';
import {protocolNumber} from '../protocols.js';
import {readAddress} from './addresses.js';
import {readMaglevSeed, type MaglevTable} from './maglev.js';

/** Three lanes of Jenkins' hash. */
export type Lanes = [a: number, b: number, c: number];

/** What the kernel's lanes start from, besides length and seed. */
export const jhashStart = 0xdead_beef;

/** A flow of a client to a service. */
export interface MaglevFlow {
	/** Address of the client. */
	readonly client: string;
	/** Port of the client; 0, unless given, is what services with affinity count for all. */
	readonly clientPort?: number;
	/** Port of the service. */
	readonly port: number;
	/** `tcp` unless given. */
	readonly protocol?: string | number;
}

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/** Stirs the lanes; as in the kernel's `__jhash_mix`. */
export function jhashMix([x, y, z]: Lanes): Lanes {
	let [a, b, c] = [x, y, z];
	a = (a - c) ^ rotate(c, 4);
	c = (c + b) | 0;
	b = (b - a) ^ rotate(a, 6);
	a = (a + c) | 0;
	c = (c - b) ^ rotate(b, 8);
	b = (b + a) | 0;
	a = (a - c) ^ rotate(c, 16);
	c = (c + b) | 0;
	b = (b - a) ^ rotate(a, 19);
	a = (a + c) | 0;
	c = (c - b) ^ rotate(b, 4);
	b = (b + a) | 0;
	return [a, b, c];
}

/** The hash of the lanes; as in the kernel's `__jhash_final`. */
export function jhashFinal([x, y, z]: Lanes): number {
	let [a, b, c] = [x, y, z];
	c = ((c ^ b) - rotate(b, 14)) | 0;
	a = ((a ^ c) - rotate(c, 11)) | 0;
	b = ((b ^ a) - rotate(a, 25)) | 0;
	c = ((c ^ b) - rotate(b, 16)) | 0;
	a = ((a ^ c) - rotate(c, 4)) | 0;
	b = ((b ^ a) - rotate(a, 14)) | 0;
	return ((c ^ b) - rotate(b, 24)) >>> 0;
}

/** The hash of a flow, by the seeds that Cilium's programs and skep's are given. */
export function flowHash(
	{client, clientPort = 0, port, protocol = 'tcp'}: MaglevFlow,
	seed?: string,
): number {
	for (const each of [clientPort, port]) {
		if (Number.isInteger(each) && each >= 0 && each <= 0xffff) continue;
		throw new UsageError(`hash flow: a port is a whole number up to 65535, got ${each}`);
	}

	const {jhash4, jhash6} = readMaglevSeed(seed);
	const {family, text} = readAddress(client);
	const address = viewOf(family === 4 ? parseIpv4(text) : parseIpv6(text));
	// As little-endian machines read what the network wrote; the others follow.
	const word = (i: number): number => address.getInt32(i * 4, true);
	const swap = (number: number): number => ((number & 0xff) << 8) | (number >>> 8);
	const ports = (swap(port) << 16) | swap(clientPort);
	const proto = protocolNumber(String(protocol));
	if (family === 4) {
		const start = (jhashStart + 12 + jhash4) | 0;
		return jhashFinal([(word(0) + start) | 0, (ports + start) | 0, (proto + start) | 0]);
	}

	const [a, b, c] = jhashMix([word(0), word(1), word(2)]);
	const [d, e, f] = jhashMix([(a + word(3)) | 0, (b + ports) | 0, (c + proto) | 0]);
	return jhashFinal([(d + jhash6) | 0, e, f]);
}

/** The backend that a flow goes to; undefined where the list has none of that id. */
export function maglevPick(
	{ids, backends}: MaglevTable,
	flow: MaglevFlow,
	seed?: string,
): MaglevTable['backends'][number] | undefined {
	const id = ids[flowHash(flow, seed) % ids.length];
	return backends.find(backend => backend.id === id);
}
