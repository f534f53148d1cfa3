import {hex, viewOf} from '../base/bytes.js';
import {EbpfError, UsageError} from '../base/errors.js';
import type {Btf} from '../format/btf/btf.js';
import {bytesCodec, type Codec, createCodec} from '../format/codec/codec.js';

export interface VariableOptions {
	readonly name: string;
	readonly map: string;
	readonly offset: number;
	readonly size: number;
	readonly typeId: number;
	readonly constant: boolean;
	readonly types: Btf | undefined;
	/** The whole section; changed by `set`. */
	readonly contents: Uint8Array;
	readonly littleEndian: boolean;
}

/** A global variable of an object, before it is loaded. Its bytes are those of its section's map. */
export class VariableSpec {
	readonly kind = 'variable';
	/**
	 * Its key among the collection's variables: the C name, or `NAME@SECTION+OFFSET` for a static
	 * variable that shares its name with another variable.
	 */
	readonly name: string;
	/** Key of the map of its section: `.rodata`. */
	readonly map: string;
	/** Bytes from the start of the section. */
	readonly offset: number;
	/** Bytes. */
	readonly size: number;
	/** BTF type, 0 where the object does not say. */
	readonly typeId: number;
	/** A load-time constant: the verifier knows its value. */
	readonly constant: boolean;
	readonly #options: VariableOptions;
	#codec: Codec | undefined;

	constructor(options: VariableOptions) {
		this.name = options.name;
		this.map = options.map;
		this.offset = options.offset;
		this.size = options.size;
		this.typeId = options.typeId;
		this.constant = options.constant;
		this.#options = options;
	}

	/**
	 * How its bytes become a value: by its type; plain bytes without a type, or where the type is of
	 * another size than the variable (a flexible array with initial elements).
	 *
	 * *Throws:* `ERR_BTF` for a type that no value can have.
	 */
	get codec(): Codec {
		return (this.#codec ??= this.#createCodec());
	}

	/** The value that the program will start with. */
	get(): unknown {
		return this.codec.decode(viewOf(this.#options.contents), this.offset);
	}

	/**
	 * Changes the value that the program will start with; an error changes nothing.
	 *
	 * *Throws:* `ERR_USAGE` for a value that the type cannot hold.
	 */
	set(value: unknown): void {
		const bytes = this.#bytes().slice();
		try {
			this.codec.encode(value, viewOf(bytes), 0);
		} catch (cause) {
			if (!(cause instanceof EbpfError)) throw cause;
			throw new UsageError(`set variable "${this.name}": ${cause.message}`, {cause});
		}

		this.#bytes().set(bytes);
	}

	/** The same variable in another copy of its section. */
	in(contents: Uint8Array): VariableSpec {
		return new VariableSpec({...this.#options, contents});
	}

	/** The same variable with some of its facts changed. */
	with(changes: Partial<VariableOptions>): VariableSpec {
		return new VariableSpec({...this.#options, ...changes});
	}

	/** What a JSON view of the spec shows; 64-bit numbers and bytes as text. */
	toJSON(): unknown {
		const {kind, name, map, offset, size, typeId, constant} = this;
		return {kind, name, map, offset, size, typeId, constant, bytes: hex(this.#bytes())};
	}

	#bytes(): Uint8Array {
		return this.#options.contents.subarray(this.offset, this.offset + this.size);
	}

	#createCodec(): Codec {
		const {types, littleEndian} = this.#options;
		if (types === undefined || this.typeId === 0) return bytesCodec(this.size);
		if (types.sizeOf(this.typeId) !== this.size) return bytesCodec(this.size);
		return createCodec(types, this.typeId, {littleEndian});
	}
}
