/** Parts of structs that are read and written as one: an address with its family, a prefix. */

import {
	formatIpv4,
	formatIpv6,
	networkOf,
	parseIpv4,
	parseIpv6,
	parsePrefix,
	type Prefix,
} from '../../base/address.js';
import {hostLittleEndian} from '../../base/bytes.js';
import type {Codec} from '../../format/codec/codec.js';
import {CodecError, refuse} from '../../format/codec/codec-error.js';
import {jsonSlack, writeText} from '../../format/codec/json-bytes.js';

/** A field that a codec adds to those of another one. */
export interface Join {
	readonly name: string;
	/** Values of other fields where they are not given; undefined for those that have to be. */
	readonly defaults: Readonly<Record<string, unknown>>;
	read(view: DataView, offset: number): string | bigint | null;
	/** Writes over zeros. */
	write(value: unknown, view: DataView, offset: number): void;
}

/** Bytes of JSON text that a join takes at most. */
const longest = 80;

/** `inner` with one field more. */
export function joinedCodec(inner: Codec, join: Join): Codec<object> {
	const {name, defaults} = join;
	const fields = inner as Codec<Record<string, unknown>>;
	const label = `{${JSON.stringify(name)}:`;
	const decode = (view: DataView, offset: number): object => ({
		[name]: join.read(view, offset),
		...fields.decode(view, offset),
	});
	const head = (view: DataView, offset: number): string => {
		const value = join.read(view, offset);
		return label + (typeof value === 'bigint' ? `${value}` : JSON.stringify(value));
	};
	/** The inner text begins with a brace, and where it has no fields ends with the next character. */
	const toJson = (view: DataView, offset: number): string => {
		const rest = inner.toJson(view, offset).slice(1);
		return head(view, offset) + (rest === '}' ? rest : `,${rest}`);
	};
	return {
		size: inner.size,
		decode,
		encode(value, view, offset) {
			const given: unknown = value;
			if (typeof given !== 'object' || given === null || ArrayBuffer.isView(given)) {
				return refuse('', `an object with "${name}"`, given);
			}

			const record = given as Record<string, unknown>;
			const rest: Record<string, unknown> = {...defaults};
			for (const field in record) if (field !== name) rest[field] = record[field];
			fields.encode(rest, view, offset);
			join.write(record[name], view, offset);
		},
		toJson,
		json: {
			limit: (inner.json?.limit ?? 0) + longest + jsonSlack,
			write: (view, offset, bytes, words, at) => {
				if (inner.json === undefined) return writeText(bytes, at, toJson(view, offset));
				const brace = writeText(bytes, at, head(view, offset));
				const end = inner.json.write(view, offset, bytes, words, brace);
				if (end === brace + 2) {
					bytes[brace] = 125;
					return brace + 1;
				}

				bytes[brace] = 44;
				return end;
			},
		},
		cursor() {
			let at: DataView | undefined;
			let from = 0;
			let value: object | undefined;
			return {
				get value() {
					if (at === undefined)
						throw new CodecError('read', '', 'the cursor stands nowhere yet');
					value ??= decode(at, from);
					return value;
				},
				move(view, offset) {
					at = view;
					from = offset;
					value = undefined;
				},
			};
		},
	};
}

/** What keys call the families. */
const ipv4Family = 1;
const ipv6Family = 2;

/** `address`, at one offset, and its family at another. */
function addressAndFamily(
	at: number,
	familyAt: number,
	defaults: Record<string, unknown> = {},
): Join {
	return {
		name: 'address',
		defaults,
		read: (view, offset) => readAddress(view, offset + at, view.getUint8(offset + familyAt)),
		write(value, view, offset) {
			const {address} = parse('address', value, parseAddress);
			put(address, view, offset + at);
			view.setUint8(offset + familyAt, address.length === 4 ? ipv4Family : ipv6Family);
		},
	};
}

/** A `prefix`, whose length stands first in the key with `fixed` bits that come before it. */
function prefixAt(
	at: number,
	fixed: number,
	family: {readonly at: number} | 4 | 16,
	defaults: Record<string, unknown> = {},
): Join {
	return {
		name: 'prefix',
		defaults,
		read(view, offset) {
			const length = view.getUint32(offset, hostLittleEndian) - fixed;
			const kind =
				typeof family === 'object'
					? view.getUint8(offset + family.at)
					: family === 4
						? ipv4Family
						: ipv6Family;
			return `${readAddress(view, offset + at, kind)}/${length}`;
		},
		write(value, view, offset) {
			const prefix = parse('prefix', value, parsePrefix);
			if (typeof family === 'number' && prefix.address.length !== family) {
				refuse('prefix', `an IPv${family === 4 ? 4 : 6} prefix`, value);
			}

			view.setUint32(offset, prefix.length + fixed, hostLittleEndian);
			put(networkOf(prefix).address, view, offset + at);
			if (typeof family === 'number') return;
			const isIpv4 = prefix.address.length === 4;
			view.setUint8(offset + family.at, isIpv4 ? ipv4Family : ipv6Family);
		},
	};
}

/** A client's address, or as bigint a cookie: which of them, says a bit after the address. */
function clientOf(size: 4 | 16): Join {
	const flagAt = size === 4 ? 10 : 18;
	const bit = hostLittleEndian ? 1 : 0x80;
	return {
		name: 'client',
		defaults: {},
		read(view, offset) {
			if ((view.getUint8(offset + flagAt) & bit) !== 0) {
				return view.getBigUint64(offset, hostLittleEndian);
			}

			return size === 4 ? formatIpv4(view, offset) : formatIpv6(view, offset);
		},
		write(value, view, offset) {
			if (typeof value === 'bigint') {
				view.setBigUint64(offset, value, hostLittleEndian);
				view.setUint8(offset + flagAt, bit);
			} else {
				put(parse('client', value, size === 4 ? parseIpv4 : parseIpv6), view, offset);
			}
		},
	};
}

const remoteDefaults = {key: 0, flag_skip_tunnel: false, flag_remote_cluster: false};
const hasTunnel = hostLittleEndian ? 2 : 0x40;
const ipv6Tunnel = hostLittleEndian ? 4 : 0x20;

/** The node in 4 bytes, where 0 is none. */
const tunnel4: Join = {
	name: 'tunnel_endpoint',
	defaults: remoteDefaults,
	read: (view, offset) =>
		view.getUint32(offset + 4) === 0 ? null : formatIpv4(view, offset + 4),
	write(value, view, offset) {
		if (value === undefined || value === null) return;
		put(parse('tunnel_endpoint', value, parseIpv4), view, offset + 4);
	},
};

/** The node in 16 bytes: bits of the last byte say whether there is one and of which family. */
const tunnel6: Join = {
	name: 'tunnel_endpoint',
	defaults: remoteDefaults,
	read(view, offset) {
		const flags = view.getUint8(offset + 23);
		if ((flags & hasTunnel) === 0) return null;
		return readAddress(view, offset + 4, (flags & ipv6Tunnel) === 0 ? ipv4Family : ipv6Family);
	},
	write(value, view, offset) {
		if (value === undefined || value === null) return;
		const {address} = parse('tunnel_endpoint', value, parseAddress);
		put(address, view, offset + 4);
		const family = address.length === 4 ? 0 : ipv6Tunnel;
		view.setUint8(offset + 23, view.getUint8(offset + 23) | hasTunnel | family);
	},
};

/** The source of a trace; its family is the first bit of the flags. */
const originalSource: Join = {
	name: 'orig_ip',
	defaults: {},
	read(view, offset) {
		const isIpv6 = (view.getUint8(offset + 27) & 1) !== 0;
		for (let i = 32; i < 48; i += 4) {
			if (view.getUint32(offset + i) === 0) continue;
			return readAddress(view, offset + 32, isIpv6 ? ipv6Family : ipv4Family);
		}

		return null;
	},
	write(value, view, offset) {
		if (value === undefined || value === null) return;
		put(parse('orig_ip', value, parseAddress).address, view, offset + 32);
	},
};

/** What is read as one in a struct of that name and those shown fields; undefined for most. */
export function joinOf(struct: string, size: number, fields: readonly string[]): Join | undefined {
	const join = find(struct, size);
	if (join === undefined) return undefined;
	// All fields of this version, so that objects that are made of them have one shape.
	return {...join, defaults: Object.fromEntries(fields.map(name => [name, join.defaults[name]]))};
}

function find(struct: string, size: number): Join | undefined {
	switch (struct) {
		case 'endpoint_key':
			return addressAndFamily(0, 16, {key: 0, cluster_id: 0});
		case 'node_key':
			return addressAndFamily(4, 3);
		case 'ipcache_key':
			return prefixAt(8, 32, {at: 7}, {cluster_id: 0});
		case 'remote_endpoint_info':
			return size === 12 ? tunnel4 : tunnel6;
		case 'lpm_v4_key':
			return prefixAt(4, 0, 4);
		case 'lpm_v6_key':
			return prefixAt(4, 0, 16);
		case 'lb4_src_range_key':
			return prefixAt(8, 32, 4);
		case 'lb6_src_range_key':
			return prefixAt(8, 32, 16);
		case 'lb4_affinity_key':
			return clientOf(4);
		case 'lb6_affinity_key':
			return clientOf(16);
		case 'trace_notify':
			return originalSource;
		default:
			return undefined;
	}
}

/** An address of a family; of any other number than the two, that number and the bytes. */
function readAddress(view: DataView, offset: number, family: number): string {
	if (family === ipv4Family) return formatIpv4(view, offset);
	const text = formatIpv6(view, offset);
	return family === ipv6Family ? text : `family ${family} ${text}`;
}

function parseAddress(text: string): Prefix {
	const address = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
	return {address, length: address.length * 8};
}

function parse<T>(field: string, value: unknown, parser: (text: string) => T): T {
	if (typeof value !== 'string') {
		return refuse(field, field === 'prefix' ? 'a prefix' : 'an address', value);
	}

	try {
		return parser(value);
	} catch (cause) {
		throw new CodecError('write', field, (cause as Error).message, {cause});
	}
}

function put(bytes: Uint8Array, view: DataView, offset: number): void {
	for (let i = 0; i < bytes.length; i++) view.setUint8(offset + i, bytes[i] ?? 0);
}
