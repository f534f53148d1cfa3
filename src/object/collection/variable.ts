import {viewOf} from '../../base/bytes.js';
import {UsageError} from '../../base/errors.js';
import type {Codec} from '../../format/codec/codec.js';
import type {DataSection} from './data-section.js';

/** A global variable of a loaded object, in the map of its data section. */
export class Variable<T = unknown> {
	readonly name: string;
	/** In `.rodata`: the verifier knew its value, and nobody can change it. */
	readonly constant: boolean;
	private readonly section: DataSection;
	private readonly offset: number;
	private readonly codec: Codec<T>;
	private readonly bytes: Uint8Array;
	private readonly view: DataView;

	constructor(
		spec: {readonly name: string; readonly constant: boolean; readonly offset: number},
		section: DataSection,
		codec: Codec<T>,
	) {
		this.name = spec.name;
		this.constant = spec.constant;
		this.offset = spec.offset;
		this.section = section;
		this.codec = codec;
		this.bytes = new Uint8Array(codec.size);
		this.view = viewOf(this.bytes);
	}

	/**
	 * How it is reached.
	 *
	 * `memory` (*Kernel:* 5.5): shared with the programs. A number of up to 8 bytes is read and
	 * written at once, and nothing beside it is touched. `element`: a write reads the whole section
	 * and writes all of it back, so that what programs write to any variable of the section in
	 * between is lost; only safe while none runs.
	 */
	get access(): 'memory' | 'element' {
		return this.section.access;
	}

	/** The value now. *Throws:* `ERR_MAP`. */
	get(): T {
		this.section.read(this.offset, this.bytes);
		return this.codec.decode(this.view, 0);
	}

	/** Changes it for programs that run. *Throws:* `ERR_USAGE` for a constant, `ERR_CODEC`, `ERR_MAP`. */
	set(value: T): void {
		if (this.constant) {
			throw new UsageError(
				`set variable "${this.name}": it is a constant; set it in the spec, before the object is loaded`,
			);
		}

		this.codec.encode(value, this.view, 0);
		this.section.write(this.offset, this.bytes);
	}
}
