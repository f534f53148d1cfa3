import {viewOf} from '../../base/bytes.js';
import type {Codec} from '../../format/codec/codec.js';
import type {BpfMap} from '../map/map.js';

const first = new Uint8Array(4);

/** A global variable of a loaded object, in the map of its data section. */
export class Variable {
	readonly name: string;
	/** In `.rodata`: the verifier knew its value. */
	readonly constant: boolean;
	private readonly section: BpfMap;
	private readonly offset: number;
	private readonly codec: Codec;

	constructor(
		spec: {readonly name: string; readonly constant: boolean; readonly offset: number},
		section: BpfMap,
		codec: Codec,
	) {
		this.name = spec.name;
		this.constant = spec.constant;
		this.offset = spec.offset;
		this.section = section;
		this.codec = codec;
	}

	/** The value now. *Throws:* `ERR_MAP`. */
	get(): unknown {
		const bytes = this.section.raw.get(first) ?? new Uint8Array(this.section.raw.valueSize);
		return this.codec.decode(viewOf(bytes), this.offset);
	}
}
