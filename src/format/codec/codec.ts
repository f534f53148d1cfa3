/** Reads and writes values by their BTF types. */

import {hostLittleEndian} from '../../base/bytes.js';
import type {Btf} from '../btf/btf.js';
import {layoutOf} from './build-layout.js';
import {closureFlyweight, closureJson, closureReader} from './closures.js';
import {CodecError, refuse} from './codec-error.js';
import {checkView, writerOf} from './encode.js';
import {canGenerate, compile, generate} from './generate.js';
import {generateWriter, withFastWriter} from './generate-encode.js';
import {textOf, writeHex, type JsonWriter} from './json-bytes.js';
import type {FieldCodecs, Layout} from './layout.js';
import {bytesAt} from './runtime.js';

/** One object that is moved from value to value; its fields are read when they are asked for. */
export interface Cursor<T> {
	/** Overwritten by `move`. */
	readonly value: T;
	/** True where `value` is one object from the start and only what it reads changes. */
	readonly fixed?: boolean;
	move(view: DataView, offset: number): void;
}

/**
 * How values of one type are read and written.
 *
 * Integers of up to 32 bits are numbers, wider ones and pointers bigints; booleans, floats and
 * enumerators are booleans, numbers and names (a number where none matches); arrays are arrays,
 * structs objects with named fields. Members of anonymous structs and unions stand in their parent.
 * A union has all its members. Writing takes the same and refuses everything else (`ERR_CODEC`).
 */
export interface Codec<T = unknown> {
	/** Bytes. */
	readonly size: number;
	/** Needs no `this`. */
	readonly decode: (view: DataView, offset: number) => T;
	/** Padding is written as zero. *Throws:* `ERR_CODEC`. */
	encode(value: T, view: DataView, offset: number): void;
	/** JSON text; 64-bit numbers with all their digits, bytes in hexadecimal. */
	toJson(view: DataView, offset: number): string;
	/** The same as bytes, which is faster; not every codec has it. */
	readonly json?: JsonWriter | undefined;
	/** One object that reads value after value. */
	cursor(): Cursor<T>;
}

export interface CodecOptions {
	/** Codecs for fields, in the shape of the type. */
	readonly fields?: FieldCodecs;
	/** Byte order of the values, this machine's unless given. */
	readonly littleEndian?: boolean;
	/** False for closures in the place of generated code. */
	readonly generate?: boolean;
	/** What errors call the value: `key` makes paths like `key.tuple.saddr`. */
	readonly name?: string;
}

/** A codec for a type. *Throws:* `ERR_CODEC`, `ERR_BTF` for a type that cannot be read. */
export function createCodec(btf: Btf, typeId: number, options: CodecOptions = {}): Codec {
	const {fields, name = ''} = options;
	return new TypeCodec(layoutOf(btf, typeId, fields, name), options);
}

type Readers = Pick<Codec, 'decode' | 'toJson' | 'json' | 'cursor'>;

/** Makes its readers when the first is asked for: most maps of an object are never read. */
class TypeCodec implements Codec {
	readonly size: number;
	private readonly layout: Layout;
	private readonly littleEndian: boolean;
	private readonly wantsCode: boolean;
	private readonly name: string;

	constructor(layout: Layout, options: CodecOptions) {
		this.layout = layout;
		this.size = layout.size;
		this.littleEndian = options.littleEndian ?? hostLittleEndian;
		this.wantsCode = options.generate !== false;
		this.name = options.name ?? '';
	}

	encode(value: unknown, view: DataView, offset: number): void {
		// Not before: a type may claim gigabytes, and what is made from it may be as large.
		checkView(this.name, this.size, view, offset);
		const write = this.makeWriter();
		// Stands in this method's place from now on.
		Object.defineProperty(this, 'encode', {value: write});
		write(value, view, offset);
	}

	private makeWriter(): Codec['encode'] {
		const {layout, name, littleEndian} = this;
		const writer = writerOf(layout, name, littleEndian);
		if (!this.wantsCode || !canGenerate()) return writer;
		const fast = generateWriter(layout, littleEndian, compile);
		return fast === undefined ? writer : withFastWriter(fast, writer);
	}

	get decode(): Codec['decode'] {
		return this.readers().decode;
	}

	get toJson(): Codec['toJson'] {
		return this.readers().toJson;
	}

	get json(): JsonWriter | undefined {
		return this.readers().json;
	}

	get cursor(): Codec['cursor'] {
		return this.readers().cursor;
	}

	/** Once made, they stand in the place of the getters. */
	private readers(): Readers {
		const readers = makeReaders(this.layout, this.littleEndian, this.wantsCode);
		for (const [name, value] of Object.entries(readers)) {
			Object.defineProperty(this, name, {value, enumerable: true});
		}

		return readers;
	}
}

function makeReaders(layout: Layout, littleEndian: boolean, wantsCode: boolean): Readers {
	const code = wantsCode && canGenerate() ? generate(layout, littleEndian) : undefined;
	const json = code?.json;
	const decode = code?.decode ?? closureReader(layout, littleEndian);
	const flyweight = (): Cursor<unknown> =>
		layout.kind === 'struct' ? closureFlyweight(layout, littleEndian) : plainCursor(decode);
	return {
		decode,
		json,
		toJson: json === undefined ? closureJson(layout, littleEndian) : textOf(json),
		cursor: code?.Cursor ?? flyweight,
	};
}

function plainCursor<T>(decode: (view: DataView, offset: number) => T): Cursor<T> {
	let view: DataView | undefined;
	let offset = 0;
	return {
		get value() {
			if (view === undefined)
				throw new CodecError('read', '', 'the cursor stands nowhere yet');
			return decode(view, offset);
		},
		move(to, at) {
			view = to;
			offset = at;
		},
	};
}

/** Values as bytes, for maps without types. */
export function bytesCodec(size: number): Codec<Uint8Array> {
	const decode = (view: DataView, offset: number): Uint8Array =>
		bytesAt(view, offset, size).slice();
	const json: JsonWriter = {
		limit: size * 2 + 2,
		write: (view, offset, _bytes, words, position) =>
			writeHex(words, position, view, offset, size),
	};
	return {
		size,
		decode,
		encode(value, view, offset) {
			if (!(value instanceof Uint8Array) || value.length !== size) {
				return refuse('', `a Uint8Array of ${size} bytes`, value);
			}

			checkView('', size, view, offset);
			bytesAt(view, offset, size).set(value);
		},
		json,
		toJson: textOf(json),
		cursor: () => plainCursor(decode),
	};
}
