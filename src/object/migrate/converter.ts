/** Turns the bytes of an old map's elements into those of the new one. */

import {alignUp, viewOf} from '../../base/bytes.js';
import {UsageError} from '../../base/errors.js';
import {bytesCodec, createCodec, type Codec} from '../../format/codec/codec.js';
import {layoutOf} from '../../format/codec/build-layout.js';
import type {MapTypes} from '../map/map-codecs.js';
import {compareTypes, layoutFor} from '../map/type-diff.js';
import {fitLayout, type Defaults, type FieldChanges, type Fit} from './fit.js';

/** How one map is brought into its new form. */
export interface MigrateOptions {
	/** Values for fields that the old map has not; zero unless given. */
	readonly defaults?: {readonly key?: Defaults; readonly value?: Defaults};
	/**
	 * Makes the new element from the one that copying by name gave, and the old one; undefined drops
	 * it. Keys and values are as their BTF types say; values of per-CPU maps are arrays. It is called
	 * again when the old element changes, and has to give the same for the same.
	 */
	readonly transform?: (made: Element, old: Element) => Element | undefined;
	/**
	 * Fields of the value that count up: `packets`, `bytes.in`. What the old programs add after the
	 * first copy is added to what the new ones counted, atomically. *Kernel:* 5.14; 5.19 for per-CPU
	 * maps.
	 */
	readonly counters?: readonly string[];
}

export interface Element {
	key: unknown;
	value: unknown;
}

/** What the converter is told of the two maps. */
export interface Side {
	readonly types: MapTypes | undefined;
	/** Number of its types in the kernel, 0 where it has none. */
	readonly btfId: number;
	readonly keySize: number;
	/** Of one CPU's value. */
	readonly valueSize: number;
}

interface Part {
	readonly from: Codec;
	readonly to: Codec;
	readonly fit: Fit;
	/** The bytes stay as they are. */
	readonly same: boolean;
}

export class Converter {
	readonly changes: FieldChanges = {added: [], removed: [], changed: [], refused: []};
	/** False where keys change, so that two might become one. */
	readonly sameKeys: boolean;
	private readonly key: Part;
	private readonly value: Part;
	private readonly cpus: number;
	private readonly transform: MigrateOptions['transform'];
	private readonly oldStride: number;
	private readonly newStride: number;

	/**
	 * `cpus` is 0 for maps that are not per-CPU. Indices are copied as they are (`indexed`).
	 *
	 * *Throws:* `ERR_USAGE` for options that name no new field.
	 */
	constructor(old: Side, made: Side, cpus: number, indexed: boolean, options: MigrateOptions) {
		const {defaults, transform} = options;
		const bytes = bytesCodec(4);
		this.key = indexed
			? {from: bytes, to: bytes, fit: value => value, same: true}
			: this.part('key', old, made, defaults?.key);
		this.value = this.part('value', old, made, defaults?.value);
		this.cpus = cpus;
		this.transform = transform;
		this.sameKeys = this.key.same && transform === undefined;
		this.oldStride = cpus === 0 ? old.valueSize : alignUp(old.valueSize, 8);
		this.newStride = cpus === 0 ? made.valueSize : alignUp(made.valueSize, 8);
	}

	/**
	 * Writes the new element; false when it is dropped. *Throws:* `ERR_CODEC` for a value that the
	 * new type cannot hold, and what `transform` throws.
	 */
	convert(
		key: Uint8Array,
		keyOffset: number,
		value: Uint8Array,
		valueOffset: number,
		intoKey: Uint8Array,
		intoValue: Uint8Array,
	): boolean {
		if (this.transform !== undefined) {
			return this.transformed(key, keyOffset, value, valueOffset, intoKey, intoValue);
		}

		convertPart(this.key, key, keyOffset, intoKey, 0);
		for (let i = 0; i < Math.max(1, this.cpus); i++) {
			const from = valueOffset + i * this.oldStride;
			convertPart(this.value, value, from, intoValue, i * this.newStride);
		}

		return true;
	}

	/** The old key in words, for errors. */
	describeKey(key: Uint8Array): string {
		return this.key.from.toJson(viewOf(key), 0);
	}

	private transformed(
		key: Uint8Array,
		keyOffset: number,
		value: Uint8Array,
		valueOffset: number,
		intoKey: Uint8Array,
		intoValue: Uint8Array,
	): boolean {
		const oldKey = this.key.from.decode(viewOf(key), keyOffset);
		const oldValues = Array.from({length: Math.max(1, this.cpus)}, (_, i) =>
			this.value.from.decode(viewOf(value), valueOffset + i * this.oldStride),
		);
		const values = oldValues.map(each => this.value.fit(each));
		const perCpu = this.cpus > 0;
		const made = this.transform?.(
			{key: this.key.fit(oldKey), value: perCpu ? values : values[0]},
			{key: oldKey, value: perCpu ? oldValues : oldValues[0]},
		);
		if (made === undefined) return false;
		this.key.to.encode(made.key, viewOf(intoKey), 0);
		const list = perCpu ? made.value : [made.value];
		if (!Array.isArray(list) || list.length !== values.length) {
			throw new UsageError(
				`transform element: expected a value for each of ${this.cpus} CPUs`,
			);
		}

		for (const [i, each] of list.entries()) {
			this.value.to.encode(each, viewOf(intoValue), i * this.newStride);
		}

		return true;
	}

	private part(name: 'key' | 'value', old: Side, made: Side, defaults: unknown): Part {
		const [from, to] = [layoutFor(old.types, name), layoutFor(made.types, name)];
		const [oldSize, newSize] =
			name === 'key' ? [old.keySize, made.keySize] : [old.valueSize, made.valueSize];
		const isTyped = from?.size === oldSize && to?.size === newSize;
		if (!isTyped || old.types === undefined || made.types === undefined) {
			if (oldSize !== newSize) {
				const hidden = old.types === undefined && old.btfId !== 0;
				const types = hidden
					? 'reading the types to copy by needs CAP_SYS_ADMIN'
					: 'there are no types to copy by';
				const detail = `its ${name} has ${oldSize} bytes, the new one's ${newSize}, and ${types}`;
				this.changes.refused.push({path: name, detail});
			}

			if (defaults !== undefined) {
				throw new UsageError(
					`choose default of "${name}": there are no types to apply it to`,
				);
			}

			const [oldCodec, newCodec] = [bytesCodec(oldSize), bytesCodec(newSize)];
			return {from: oldCodec, to: newCodec, fit: value => value, same: true};
		}

		const codec = (types: MapTypes): Codec =>
			createCodec(types.btf, name === 'key' ? types.keyTypeId : types.valueTypeId, {name});
		const isSame = compareTypes(old.types, made.types, [name]).length === 0;
		const newCodec = codec(made.types);
		const zero = newCodec.decode(new DataView(new ArrayBuffer(newSize)), 0);
		return {
			from: codec(old.types),
			to: newCodec,
			fit: fitLayout(from, to, name, zero, defaults, this.changes),
			same: isSame && oldSize === newSize,
		};
	}
}

function convertPart(
	{from, to, fit, same}: Part,
	bytes: Uint8Array,
	offset: number,
	into: Uint8Array,
	intoOffset: number,
): void {
	if (same) {
		for (let i = 0; i < to.size; i++) into[intoOffset + i] = bytes[offset + i] ?? 0;
	} else {
		to.encode(fit(from.decode(viewOf(bytes), offset)), viewOf(into), intoOffset);
	}
}

/** Where counters stand in the new value, in bytes. *Throws:* `ERR_USAGE`. */
export function counterFields(types: MapTypes | undefined, names: readonly string[]): Counter[] {
	if (types === undefined) throw new UsageError('choose counters: the map has no types');
	return names.map(name => {
		let layout = layoutOf(types.btf, types.valueTypeId, undefined, 'value');
		let offset = 0;
		for (const part of name.split('.')) {
			const field =
				layout.kind === 'struct'
					? layout.fields.find(each => each.name === part)
					: undefined;
			if (field === undefined) {
				throw new UsageError(`choose counter "${name}": the value has no such field`);
			}

			offset += field.offset;
			({layout} = field);
		}

		if (layout.kind !== 'int' || (layout.size !== 4 && layout.size !== 8) || layout.bool) {
			throw new UsageError(`choose counter "${name}": only 32 and 64 bits are added to`);
		}

		return {offset, size: layout.size};
	});
}

export interface Counter {
	readonly offset: number;
	readonly size: 4 | 8;
}
