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
	private readonly createCodec: () => Codec<T>;
	private own: Buffered<T> | undefined;

	/** `createCodec` is asked once, when the value is: some types have none that could be read. */
	constructor(
		spec: {readonly name: string; readonly constant: boolean; readonly offset: number},
		section: DataSection,
		createCodec: () => Codec<T>,
	) {
		this.name = spec.name;
		this.constant = spec.constant;
		this.offset = spec.offset;
		this.section = section;
		this.createCodec = createCodec;
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

	/** The value now. *Throws:* `ERR_MAP`, `ERR_CODEC` for a type that no value can have. */
	get(): T {
		const {codec, bytes, view} = this.buffered();
		this.section.read(this.offset, bytes);
		return codec.decode(view, 0);
	}

	/** Changes it for programs that run. *Throws:* `ERR_USAGE` for a constant, `ERR_CODEC`, `ERR_MAP`. */
	set(value: T): void {
		if (this.constant) {
			throw new UsageError(
				`set variable "${this.name}": it is a constant; set it in the spec, before the object is loaded`,
			);
		}

		const {codec, bytes, view} = this.buffered();
		codec.encode(value, view, 0);
		this.section.write(this.offset, bytes);
	}

	private buffered(): Buffered<T> {
		if (this.own === undefined) {
			const codec = this.createCodec();
			const bytes = new Uint8Array(codec.size);
			this.own = {codec, bytes, view: viewOf(bytes)};
		}

		return this.own;
	}
}

interface Buffered<T> {
	readonly codec: Codec<T>;
	readonly bytes: Uint8Array;
	readonly view: DataView;
}
