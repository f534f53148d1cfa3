/** Every struct of the datapath by version, and codecs for it. */

import {Btf} from '../../format/btf/btf.js';
import {createCodec, type Codec} from '../../format/codec/codec.js';
import type {FieldCodecs} from '../../format/codec/layout.js';
import {conntrackStructs} from './conntrack.js';
import {counterStructs} from './counters.js';
import {endpointStructs} from './endpoint.js';
import {fieldTypes, readTable, type StructVariant} from './fields.js';
import {joinedCodec, joinOf} from './joined.js';
import {notifyStructs} from './notify.js';
import {policyStructs} from './policy.js';
import {prefixStructs} from './prefix.js';
import {serviceStructs} from './service.js';
import {sockmapStructs} from './sockmap.js';
import {scalars, StructTypes, type ValueType} from './struct-types.js';
import type {LayoutVersion} from './versions.js';

let tables: ReadonlyMap<string, readonly StructVariant[]> | undefined;

/** All layouts of all structs by C's name. */
export function structLayouts(): ReadonlyMap<string, readonly StructVariant[]> {
	tables ??= readTable({
		...conntrackStructs,
		...counterStructs,
		...endpointStructs,
		...notifyStructs,
		...policyStructs,
		...prefixStructs,
		...serviceStructs,
		...sockmapStructs,
	});
	return tables;
}

/** What a version means by a struct's name, or the name of a number; undefined for no such struct. */
export function typeIn(version: LayoutVersion, name: string): ValueType | undefined {
	const scalar = scalars.find(each => each === name);
	return (
		scalar ??
		structLayouts()
			.get(name)
			?.find(({versions}) => versions.includes(version))
	);
}

/** Bytes. */
export function sizeOf(type: ValueType): number {
	return typeof type === 'string' ? fieldTypes[type].size : type.size;
}

/** Types and codecs of key and value, as `BpfMap` takes them. */
export interface RecordCodecs {
	readonly btf: Btf;
	readonly keyTypeId: number;
	readonly valueTypeId: number;
	readonly key: FieldCodecs | undefined;
	readonly value: FieldCodecs | undefined;
	/** Undefined where types and field codecs say all. */
	readonly keyCodec: Codec | undefined;
	readonly valueCodec: Codec | undefined;
}

/** Types and codecs of a map. */
export function recordCodecs(key: ValueType, value: ValueType): RecordCodecs {
	const types = new StructTypes();
	const keyType = types.add(key);
	const valueType = types.add(value);
	const btf = Btf.parse(types.builder.build());
	return {
		btf,
		keyTypeId: keyType.typeId,
		valueTypeId: valueType.typeId,
		key: keyType.fields,
		value: valueType.fields,
		keyCodec: joined(btf, keyType.typeId, keyType.fields, key),
		valueCodec: joined(btf, valueType.typeId, valueType.fields, value),
	};
}

/** A codec of one struct. */
export function structCodec(type: ValueType): Codec {
	const types = new StructTypes();
	const {typeId, fields} = types.add(type);
	const btf = Btf.parse(types.builder.build());
	return joined(btf, typeId, fields, type) ?? createCodec(btf, typeId, fields ? {fields} : {});
}

function joined(
	btf: Btf,
	typeId: number,
	fields: FieldCodecs | undefined,
	type: ValueType,
): Codec | undefined {
	if (typeof type === 'string') return undefined;
	const shown = type.fields.flatMap(field => field.shown?.name ?? []);
	const join = joinOf(type.name, type.size, shown);
	if (join === undefined) return undefined;
	return joinedCodec(createCodec(btf, typeId, fields ? {fields} : {}), join);
}
