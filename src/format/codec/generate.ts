/**
 * Decoders, JSON writers and cursors as generated JavaScript: V8 compiles them as if written by
 * hand for the type, which an interpreter of layouts cannot match.
 *
 * Names from BTF enter the text only through JSON.stringify, and only as property names.
 */

import {hostLittleEndian} from '../../base/bytes.js';
import type {Reader} from './closures.js';
import type {BitsLayout, Layout, StructLayout} from './layout.js';
import {JsonGenerator} from './generate-json.js';
import {
	writeHex,
	writeI32,
	writeI64,
	writeIpv4,
	writeMac,
	writeText,
	writeU32,
	writeU64,
	type JsonWriter,
} from './json-bytes.js';
import {
	bitsJson,
	bitsValue,
	enumJson,
	enumReader,
	readBits,
	readField,
	readWide,
} from './runtime.js';

/** What is generated for a type. */
export interface Generated {
	readonly decode: Reader;
	/** Undefined where a value's text may be very long. */
	readonly json: JsonWriter | undefined;
	/** Makes an object that `move` places on a value. */
	readonly Cursor:
		| (() => {move(view: DataView, offset: number): void; value: unknown; fixed: boolean})
		| undefined;
}

// Longer arrays become loops; larger texts are not worth compiling.
const maxUnrolled = 16;
const maxNodes = 4000;
// Longer texts are put together from a decoded value.
const maxJson = 1 << 22;

/** What generated text calls, by the names it uses. */
const runtime = {
	readBits,
	readField,
	readWide,
	u32: writeU32,
	i32: writeI32,
	u64: writeU64,
	i64: writeI64,
	text: writeText,
	hexadecimal: writeHex,
	ipv4: writeIpv4,
	mac: writeMac,
};

let allowed: boolean | undefined;

/** False where the process forbids making code from strings. */
export function canGenerate(): boolean {
	if (allowed === undefined) {
		try {
			compile('return 1', []);
			allowed = true;
		} catch {
			allowed = false;
		}
	}

	return allowed;
}

export function compile(
	text: string,
	parameters: readonly string[],
): (...args: unknown[]) => unknown {
	// eslint-disable-next-line @typescript-eslint/no-implied-eval -- the text is generated above all user input
	return new Function(...parameters, `'use strict';${text}`) as () => unknown;
}

/** Undefined for a type that is too large to be worth it. */
export function generate(layout: Layout, littleEndian: boolean): Generated | undefined {
	const writer = new Writer(littleEndian);
	const {first, value} = writer.decodeBody(layout);
	if (writer.nodes > maxNodes) return undefined;
	const json = new JsonGenerator(
		{
			number: (size, signed, at) => writer.number(size, signed, at),
			text: (leaf, at) => writer.jsonLeaf(leaf, at),
		},
		littleEndian,
	);
	const writeJson = json.statements(layout);
	const cursor = layout.kind === 'struct' ? writer.cursor(layout) : undefined;
	if (writer.nodes > maxNodes) return undefined;
	const text = `${writer.scratch()}${writer.declarations}
return {
decode(v,o){${first}return ${value}},
json:${json.limit > maxJson ? 'undefined' : `{limit:${json.limit},write(v,o,b,d,p){${writeJson}return p}}`},
Cursor:${cursor === undefined ? 'undefined' : `()=>{const c=new ${cursor}();return{value:c,fixed:true,move(v,o){${cursor}.move(c,v,o)}}}`},
};`;
	const helpers = {...runtime, ...writer.helpers};
	const make = compile(text, Object.keys(helpers));
	return make(...Object.values(helpers)) as Generated;
}

class Writer {
	declarations = '';
	readonly helpers: Record<string, unknown> = {};
	nodes = 0;
	private names = 0;
	private wideReads = 0;
	/** Statements that go before the expression that is being written, where that is possible. */
	private first: string[] | undefined;
	private readonly littleEndian: boolean;

	constructor(littleEndian: boolean) {
		this.littleEndian = littleEndian;
	}

	/** Declares where `wide` puts words together. */
	scratch(): string {
		if (this.wideReads === 0) return '';
		return `const q=new BigUint64Array(${this.wideReads}),s=new BigInt64Array(q.buffer),w=new Uint32Array(q.buffer);\n`;
	}

	/** Reads the value at `o`: statements, then an expression. */
	decodeBody(layout: Layout): {first: string; value: string} {
		const first: string[] = [];
		this.first = first;
		const value = this.decode(layout, 'o');
		this.first = undefined;
		return {first: first.join(''), value};
	}

	/** An expression that reads the value at `at` of the view `v`. */
	decode(layout: Layout, at: string): string {
		this.nodes++;
		switch (layout.kind) {
			case 'int': {
				const {size, signed, bool} = layout;
				const number = this.number(size, signed && !bool, at);
				return bool ? `(${number}!=0)` : number;
			}

			case 'bits': {
				const {names, bool} = layout;
				if (names === undefined) {
					return bool ? `(${this.bits(layout, at)}!=0)` : this.bits(layout, at);
				}

				return `${this.helper(bitsValue(layout))}(${this.bits(layout, at)})`;
			}

			case 'float':
				return `v.getFloat${layout.size * 8}(${at},${this.littleEndian})`;
			case 'enum':
				return `${this.helper(enumReader(layout))}(${this.number(layout.size, layout.signed, at)})`;
			case 'field':
				return this.field(layout, at);
			case 'array':
				return this.decodeArray(layout, at);
			case 'struct': {
				const fields = layout.fields.map(
					({name, offset, layout: inner}) =>
						`${propertyKey(name)}:${this.decode(inner, plus(at, offset))}`,
				);
				return `{${fields.join(',')}}`;
			}
		}
	}

	/** An expression that gives the JSON text of a value that is no plain number and has no parts. */
	jsonLeaf(layout: Layout, at: string): string {
		this.nodes++;
		switch (layout.kind) {
			case 'int':
				return layout.bool
					? `(${this.decode(layout, at)}?'true':'false')`
					: `(${this.decode(layout, at)}).toString()`;
			case 'bits':
				return `${this.helper(bitsJson(layout))}(${this.bits(layout, at)})`;
			case 'float':
				// JSON has no infinities.
				return `JSON.stringify(${this.decode(layout, at)})`;
			case 'enum':
				return `${this.helper(enumJson(layout))}(${this.number(layout.size, layout.signed, at)})`;
			case 'field':
				return this.fieldJson(layout, at);
			default:
				return `(${this.decode(layout, at)}).toString()`;
		}
	}

	/** Declares a class of flyweights for a struct and gives its name. */
	cursor(layout: StructLayout): string {
		const name = `C${this.names++}`;
		let body = '#v=null;#o=0;static move(c,v,o){if(c.#v!==v)c.#v=v;c.#o=o;return c}';
		for (const [i, {name: field, offset, layout: inner}] of layout.fields.entries()) {
			const key = `get [${JSON.stringify(field)}]()`;
			if (inner.kind === 'struct') {
				const nested = this.cursor(inner);
				body += `#n${i}=new ${nested}();`;
				body += `${key}{return ${nested}.move(this.#n${i},this.#v,${plus('this.#o', offset)})}`;
			} else {
				const read = this.decode(inner, plus('o', offset));
				body += `${key}{const v=this.#v,o=this.#o;return ${read}}`;
			}
		}

		this.declarations += `const ${name}=class{${body}};\n`;
		return name;
	}

	/** An expression that reads an integer. */
	number(size: number, signed: boolean, at: string): string {
		const sign = signed ? 'Int' : 'Uint';
		if (size === 1) return `v.get${sign}8(${at})`;
		if (size === 8) return this.wide(signed, at, this.littleEndian);
		if (size === 16) return `readWide(v,${at},${signed},${this.littleEndian})`;
		return `v.get${sign}${size * 8}(${at},${this.littleEndian})`;
	}

	/**
	 * 64 bits as bigint, by way of a typed array: V8 calls a function for `getBigUint64`, but makes a
	 * typed array's bigints in place. Each read has its own words, written well before they are
	 * read, for a load stalls on narrower stores just before it.
	 */
	private wide(signed: boolean, at: string, littleEndian: boolean): string {
		const index = this.wideReads++;
		const [low, high] = littleEndian ? [0, 4] : [4, 0];
		const [lowWord, highWord] = hostLittleEndian ? [0, 1] : [1, 0];
		const words = [
			`w[${index * 2 + lowWord}]=v.getUint32(${plus(at, low)},${littleEndian})`,
			`w[${index * 2 + highWord}]=v.getUint32(${plus(at, high)},${littleEndian})`,
		];
		const value = `${signed ? 's' : 'q'}[${index}]`;
		if (this.first === undefined) return `(${words.join(',')},${value})`;
		this.first.push(`${words.join(';')};`);
		return value;
	}

	private bits({bit, bits, signed}: BitsLayout, at: string): string {
		const inByte = bit % 8;
		if (!signed && inByte + bits <= 8) {
			const below = this.littleEndian ? inByte : 8 - inByte - bits;
			const byte = `v.getUint8(${plus(at, (bit - inByte) / 8)})`;
			return `(${byte}>>>${below}&${(1 << bits) - 1})`;
		}

		return `readBits(v,${at},${bit},${bits},${signed},${this.littleEndian})`;
	}

	private field({codec, size}: Layout & {kind: 'field'}, at: string): string {
		if (codec === 'be16') return `v.getUint16(${at},false)`;
		if (codec === 'be32') return `v.getUint32(${at},false)`;
		if (codec === 'be64') return this.wide(false, at, false);
		return `readField(v,${at},${size},'${codec}')`;
	}

	private fieldJson(layout: Layout & {kind: 'field'}, at: string): string {
		const read = this.field(layout, at);
		return layout.codec === 'string' ? `JSON.stringify(${read})` : `'"'+${read}+'"'`;
	}

	private decodeArray({length, element}: Layout & {kind: 'array'}, at: string): string {
		if (length <= maxUnrolled && element.kind !== 'struct' && element.kind !== 'array') {
			const each = Array.from({length}, (_, i) =>
				this.decode(element, plus(at, i * element.size)),
			);
			return `[${each.join(',')}]`;
		}

		const name = `f${this.names++}`;
		// Inside the loop there is no place before the expression.
		const {first} = this;
		this.first = undefined;
		const read = this.decode(element, 'o');
		this.first = first;
		this.declarations += `const ${name}=(v,o)=>{const a=[];for(let i=0;i<${length};i++,o+=${element.size})a.push(${read});return a};\n`;
		return `${name}(v,${at})`;
	}

	private helper(value: unknown): string {
		const name = `h${this.names++}`;
		this.helpers[name] = value;
		return name;
	}
}

/** V8 makes better objects of bare keys; any other name is computed, so that it is only a name. */
function propertyKey(name: string): string {
	const isPlain = /^[A-Za-z_]\w*$/.test(name) && name !== '__proto__';
	return isPlain ? name : `[${JSON.stringify(name)}]`;
}

function plus(at: string, offset: number): string {
	return offset === 0 ? at : `${at}+${offset}`;
}
