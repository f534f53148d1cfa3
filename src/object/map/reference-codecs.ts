/** Values that stand for something else: descriptors on the way in, numbers of it on the way out. */

import {hostLittleEndian} from '../../base/bytes.js';
import {UsageError} from '../../base/errors.js';
import {jsonSlack, writeText} from '../../format/codec/json-bytes.js';
import type {Codec} from '../../format/codec/codec.js';
import {show} from '../../format/codec/codec-error.js';
import type {MapType} from '../../uapi/map-types.js';

/** Whatever has a descriptor. */
export type HasFd = number | {readonly fd: number};

/** A socket's place in a map: written by its descriptor, read as its cookie. */
type SocketReference = HasFd | bigint;

/** An entry of a device map: where to, and the program that runs there, by id or to be set. */
export interface DeviceEntry {
	readonly ifindex: number;
	/** Read as an id, 0 for none. *Kernel:* 5.8. */
	readonly program?: HasFd;
}

/** An entry of a CPU map: packets that may wait, and the program that runs there. */
export interface CpuEntry {
	readonly qsize: number;
	/** Read as an id, 0 for none. *Kernel:* 5.9. */
	readonly program?: HasFd;
}

const deviceMaps: ReadonlySet<MapType> = new Set<MapType>(['devmap', 'devmap_hash']);
const socketMaps: ReadonlySet<MapType> = new Set<MapType>([
	'sockmap',
	'sockhash',
	'reuseport_sockarray',
	'xskmap',
]);

/** The codec for values of a map of that type; undefined where they are what the object says. */
export function referenceCodec(type: MapType, size: number): Codec | undefined {
	if (size !== 4 && size !== 8) return undefined;
	if (deviceMaps.has(type)) return targetCodec('ifindex', size);
	if (type === 'cpumap') return targetCodec('qsize', size);
	return socketMaps.has(type) ? socketCodec(size) : undefined;
}

function u32(value: unknown, what: string): number {
	const isRight = typeof value === 'number' && value >>> 0 === value;
	if (isRight) return value;
	throw new UsageError(`encode ${what}: expected a whole number of 32 bits, got ${show(value)}`);
}

function fdOf(value: unknown, what: string): number {
	if (typeof value === 'object' && value !== null && 'fd' in value) return u32(value.fd, what);
	return u32(value, what);
}

/** A number, and in 8 bytes a program after it. */
function targetCodec(name: 'ifindex' | 'qsize', size: number): Codec {
	return withText<unknown>({
		size,
		decode(view, offset) {
			const target = view.getUint32(offset, hostLittleEndian);
			if (size === 4) return {[name]: target};
			return {[name]: target, program: view.getUint32(offset + 4, hostLittleEndian)};
		},
		encode(value, view, offset) {
			if (typeof value !== 'object' || value === null) {
				throw new UsageError(`encode element: expected {${name}, program}`);
			}

			const entry = value as Record<string, unknown>;
			view.setUint32(offset, u32(entry[name], name), hostLittleEndian);
			const {program} = entry;
			if (size === 8) {
				const fd = program === undefined || program === 0 ? 0 : fdOf(program, 'program');
				view.setUint32(offset + 4, fd, hostLittleEndian);
			} else if (program !== undefined) {
				throw new UsageError(
					'encode element: values of 4 bytes have no place for a program',
				);
			}
		},
	});
}

function socketCodec(size: number): Codec<SocketReference> {
	return withText<SocketReference>({
		size,
		decode: (view, offset) =>
			size === 8
				? view.getBigUint64(offset, hostLittleEndian)
				: view.getUint32(offset, hostLittleEndian),
		encode(value, view, offset) {
			const fd = fdOf(value, 'socket');
			if (size === 8) view.setBigUint64(offset, BigInt(fd), hostLittleEndian);
			else view.setUint32(offset, fd, hostLittleEndian);
		},
	});
}

const longest = 64;

function withText<T>(codec: Pick<Codec<T>, 'size' | 'decode' | 'encode'>): Codec<T> {
	const toJson = (view: DataView, offset: number): string => {
		const value: unknown = codec.decode(view, offset);
		return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
	};
	return {
		...codec,
		toJson,
		json: {
			limit: longest + jsonSlack,
			write: (view, offset, bytes, _words, at) => writeText(bytes, at, toJson(view, offset)),
		},
		cursor() {
			let at: T | undefined;
			return {
				get value(): T {
					return at as T;
				},
				move(view, offset) {
					at = codec.decode(view, offset);
				},
			};
		},
	};
}
