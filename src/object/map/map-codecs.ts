/** Chooses how a map's keys and values are read and written. */

import {alignUp, hostLittleEndian} from '../../base/bytes.js';
import {isEbpfError, UsageError} from '../../base/errors.js';
import type {Btf} from '../../format/btf/btf.js';
import {bytesCodec, createCodec, type Codec} from '../../format/codec/codec.js';
import type {FieldCodecs} from '../../format/codec/layout.js';
import {writeU32, type JsonWriter} from '../../format/codec/json-bytes.js';
import {possibleCpus} from '../../kernel/sys/map.js';
import {referenceCodec} from './reference-codecs.js';
import {holdsFds, isIndexed, isKeyless, isPerCpu} from '../../uapi/map-kinds.js';
import {type MapInfo} from './map-info.js';

/** How to read keys and values; without it BTF's types decide, or bytes where there are none. */
export interface MapCodecOptions {
	/** Codecs for fields of the key, in the shape of the key: `{daddr: 'ipv4', dport: 'be16'}`. */
	readonly key?: FieldCodecs;
	/** Codecs for fields of the value, in the shape of the value. */
	readonly value?: FieldCodecs;
	/** Keys and values as `Uint8Array`, whatever the types say. */
	readonly raw?: boolean;
	/** Reads and writes keys, in the place of types and codecs of fields. */
	readonly keyCodec?: Codec | undefined;
	/** Likewise for values; of per-CPU maps, for one CPU's. */
	readonly valueCodec?: Codec | undefined;
}

export interface MapCodecs {
	readonly key: Codec;
	/** Of everything the kernel exchanges for a key: all CPUs' values for per-CPU maps. */
	readonly value: Codec;
	/** Of one CPU's value. */
	readonly element: Codec;
}

export interface MapTypes {
	readonly btf: Btf;
	readonly keyTypeId: number;
	readonly valueTypeId: number;
}

/** An unsigned 32-bit number in the machine's byte order. */
const indexCodec: Codec<number> = {
	size: 4,
	decode: (view, offset) => view.getUint32(offset, hostLittleEndian),
	encode(value, view, offset) {
		if (!Number.isInteger(value) || value < 0 || value > 0xff_ff_ff_ff) {
			throw new UsageError(`encode index: expected a whole number, got ${String(value)}`);
		}

		view.setUint32(offset, value, hostLittleEndian);
	},
	toJson: (view, offset) => String(view.getUint32(offset, hostLittleEndian)),
	json: {
		limit: 10,
		write: (view, offset, _bytes, words, at) =>
			writeU32(words, at, view.getInt32(offset, hostLittleEndian)),
	},
	cursor: () => scalarCursor(indexCodec),
};

/** Writes the descriptor of a map or program; reads its id. */
const fdCodec: Codec<number | {readonly fd: number}> = {
	...indexCodec,
	encode(value, view, offset) {
		if (typeof value !== 'object') {
			throw new UsageError(
				`encode element: expected a map or program object, got ${String(value)}`,
			);
		}

		view.setUint32(offset, value.fd, hostLittleEndian);
	},
	cursor: () => scalarCursor(fdCodec),
};

function scalarCursor<T>(codec: Codec<T>) {
	let at: T | undefined;
	return {
		get value(): T {
			return at as T;
		},
		move(view: DataView, offset: number): void {
			at = codec.decode(view, offset);
		},
	};
}

/** Values of all possible CPUs as an array, each at a stride of a multiple of 8 bytes. */
export function perCpuCodec<T>(element: Codec<T>, cpus = possibleCpus()): Codec<T[]> {
	const stride = alignUp(element.size, 8);
	const codec: Codec<T[]> = {
		size: stride * cpus,
		decode(view, offset) {
			const values: T[] = [];
			for (let i = 0; i < cpus; i++) values.push(element.decode(view, offset + i * stride));
			return values;
		},
		encode(value, view, offset) {
			if (!Array.isArray(value) || value.length !== cpus) {
				throw new UsageError(
					`encode value: expected an array with a value for each of ${cpus} possible CPUs`,
				);
			}

			for (const [i, each] of value.entries())
				element.encode(each, view, offset + i * stride);
		},
		toJson(view, offset) {
			let text = '[';
			for (let i = 0; i < cpus; i++) {
				text += (i === 0 ? '' : ',') + element.toJson(view, offset + i * stride);
			}

			return text + ']';
		},
		json: element.json === undefined ? undefined : perCpuJson(element.json, stride, cpus),
		cursor: () => scalarCursor(codec),
	};
	return codec;
}

function perCpuJson(element: JsonWriter, stride: number, cpus: number): JsonWriter {
	return {
		limit: 2 + cpus * (element.limit + 1),
		write(view, offset, bytes, words, at) {
			let end = at;
			for (let i = 0; i < cpus; i++) {
				bytes[end++] = i === 0 ? 91 : 44;
				end = element.write(view, offset + i * stride, bytes, words, end);
			}

			bytes[end++] = 93;
			return end;
		},
	};
}

function typedCodec(
	types: MapTypes | undefined,
	typeId: number,
	size: number,
	fields: FieldCodecs | undefined,
): Codec {
	if (types === undefined || typeId === 0) {
		if (fields !== undefined) {
			throw new UsageError('choose field codecs: the map has no BTF types to apply them to');
		}

		return bytesCodec(size);
	}

	if (fields !== undefined) return createCodec(types.btf, typeId, {fields});
	try {
		const codec = createCodec(types.btf, typeId);
		// Sizes come from the kernel: a type that does not fit describes something else.
		return codec.size === size ? codec : bytesCodec(size);
	} catch (error) {
		// What C's types say of some values cannot be read; their bytes always can.
		if (isEbpfError(error)) return bytesCodec(size);
		throw error;
	}
}

/** The codecs for a map; `types` is what its BTF says. *Throws:* `ERR_USAGE`, `ERR_CODEC`. */
export function chooseCodecs(
	info: MapInfo,
	types: MapTypes | undefined,
	options: MapCodecOptions = {},
): MapCodecs {
	const key = given(options.keyCodec, info.keySize) ?? chooseKey(info, types, options);
	const element =
		given(options.valueCodec, info.valueSize) ?? chooseElement(info, types, options);
	return {key, element, value: isPerCpu(info.type) ? perCpuCodec(element) : element};
}

function given(codec: Codec | undefined, size: number): Codec | undefined {
	if (codec === undefined || codec.size === size) return codec;
	throw new UsageError(`choose codec: it is for ${codec.size} bytes, the map has ${size}`);
}

function chooseKey(info: MapInfo, types: MapTypes | undefined, options: MapCodecOptions): Codec {
	if (isKeyless(info.type) || info.keySize === 0) return bytesCodec(0);
	if (options.raw === true) return bytesCodec(info.keySize);
	if (options.key === undefined && isIndexed(info.type)) return indexCodec;
	return typedCodec(types, types?.keyTypeId ?? 0, info.keySize, options.key);
}

function chooseElement(
	info: MapInfo,
	types: MapTypes | undefined,
	options: MapCodecOptions,
): Codec {
	if (holdsFds(info.type)) return fdCodec;
	if (options.raw === true) return bytesCodec(info.valueSize);
	const reference = referenceCodec(info.type, info.valueSize);
	if (reference !== undefined && options.value === undefined) return reference;
	return typedCodec(types, types?.valueTypeId ?? 0, info.valueSize, options.value);
}
