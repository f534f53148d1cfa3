import {UsageError} from '../../base/errors.js';
import type {Btf} from '../../format/btf/btf.js';
import type {BtfKind} from '../../format/btf/types.js';
import {createCodec, type Codec} from '../../format/codec/codec.js';
import type {FieldCodecs} from '../../format/codec/layout.js';
import type {MapTypes} from '../map/map-codecs.js';

/** What the bytes of an event mean. */
export interface EventTypeOptions {
	/** Name of the BTF type of an event: `struct flow_event`, or `flow_event` alone. */
	readonly type?: string;
	/** Where that type is looked up: `spec.types` of the object; what the map knows unless given. */
	readonly types?: Btf;
	/** Codecs for its fields, in the shape of the type: `{saddr: 'ipv4'}`. */
	readonly fields?: FieldCodecs;
}

const kinds = ['struct', 'union', 'typedef', 'enum', 'enum64', 'int'] as const;

/**
 * The codec of a map's events: of the type that is named, else of `valueTypeId`; undefined where
 * neither is known. *Throws:* `ERR_USAGE` for a type that is not there, `ERR_CODEC`.
 */
export function eventCodec(
	map: string,
	known: MapTypes | undefined,
	options: EventTypeOptions,
): Codec | undefined {
	const btf = options.types ?? known?.btf;
	const fields = options.fields === undefined ? {} : {fields: options.fields};
	if (options.type !== undefined) {
		if (btf === undefined) {
			throw new UsageError(
				`read events of map "${map}": it has no BTF to find "${options.type}" in; give types`,
			);
		}

		return createCodec(btf, typeNamed(map, btf, options.type), {...fields, name: 'event'});
	}

	if (known === undefined || known.valueTypeId === 0) {
		if (options.fields === undefined) return undefined;
		throw new UsageError(
			`read events of map "${map}": codecs for fields need a type; name one`,
		);
	}

	return createCodec(known.btf, known.valueTypeId, {...fields, name: 'event'});
}

function typeNamed(map: string, btf: Btf, text: string): number {
	const [, prefix, name = text] = /^(struct|union|enum)\s+(.*)$/.exec(text) ?? [];
	const wanted: readonly BtfKind[] = kinds.filter(
		kind => prefix === undefined || kind.startsWith(prefix),
	);
	for (const kind of wanted) {
		const type = btf.find(name, kind);
		if (type !== undefined) return type.id;
	}

	throw new UsageError(`read events of map "${map}": its types have no "${text}"`);
}
