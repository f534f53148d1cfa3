/**
 * Writers as generated JavaScript. They take the common forms of a value only and say false to all
 * others, which the interpreting writer then takes or refuses: what is refused, and in which words,
 * is its business alone.
 */

import {hostLittleEndian} from '../../base/bytes.js';
import {
	coverBits,
	extentOf,
	type ArrayLayout,
	type BitsLayout,
	type Layout,
	type StructLayout,
} from './layout.js';
import {fieldWriter} from './encode-field.js';
import type {Writer} from './encode-scalar.js';
import {isInherited} from './field-value.js';

/** True when the value was written, over whatever its bytes held before. */
export type FastWriter = (value: unknown, view: DataView, offset: number) => boolean;

type Compile = (text: string, parameters: readonly string[]) => (...args: unknown[]) => unknown;

// Longer arrays become loops; larger texts are not worth compiling.
const maxUnrolled = 16;
const maxNodes = 4000;
const maxSize = 1 << 16;

/** Undefined for types with unions or long bit-fields, and for those that are not worth it. */
export function generateWriter(
	layout: Layout,
	littleEndian: boolean,
	compile: Compile,
): FastWriter | undefined {
	const generator = new WriterGenerator(littleEndian);
	if (layout.size > maxSize || !isSupported(layout) || hasOverlap(layout, littleEndian))
		return undefined;
	const body = generator.blank(layout) + generator.statements(layout, 'x', 'o');
	if (generator.nodes > maxNodes) return undefined;
	const names = Object.keys(generator.helpers);
	const text = `const q=new BigUint64Array(1),s=new BigInt64Array(q.buffer),w=new Uint32Array(q.buffer);
${generator.declarations}
return (x,v,o)=>{if(!(o>=0&&o+${layout.size}<=v.byteLength))return false;${body}return true}`;
	return compile(text, names)(...Object.values(generator.helpers)) as FastWriter;
}

/** A writer that tries the fast one first. */
export function withFastWriter(fast: FastWriter, slow: Writer): Writer {
	return (value, view, offset) => {
		if (!fast(value, view, offset)) slow(value, view, offset);
	};
}

function isSupported(layout: Layout): boolean {
	switch (layout.kind) {
		case 'bits':
			return layout.bits <= 32;
		case 'int':
			return layout.size <= 8;
		case 'enum':
			return layout.size <= 4;
		case 'array':
			return isSupported(layout.element);
		case 'struct':
			return (
				layout.shape.kind === 'all' &&
				layout.shape.parts.every(part => typeof part === 'number') &&
				layout.fields.every(field => !isInherited(field.name) && isSupported(field.layout))
			);
		default:
			return true;
	}
}

/** Fields that share bits outside of a union: no C has them, and the other writer refuses them. */
function hasOverlap(layout: Layout, littleEndian: boolean): boolean {
	if (layout.kind === 'array') return hasOverlap(layout.element, littleEndian);
	if (layout.kind !== 'struct') return false;
	const taken = new Uint8Array(layout.size);
	return layout.fields.some(({layout: field, offset}) => {
		const [first, end] = extentOf(field, offset);
		const own = new Uint8Array(end - first);
		coverBits(field, offset - first, own, littleEndian);
		const isShared = own.some((bits, i) => (bits & (taken[first + i] ?? 0)) !== 0);
		for (const [i, bits] of own.entries()) taken[first + i] = (taken[first + i] ?? 0) | bits;
		return isShared || hasOverlap(field, littleEndian);
	});
}

class WriterGenerator {
	declarations = '';
	nodes = 0;
	readonly helpers: Record<string, unknown> = {};
	private names = 0;
	private readonly little: boolean;

	constructor(littleEndian: boolean) {
		this.little = littleEndian;
	}

	/** Writes `value` at `at` of the view `v`, or returns false. */
	statements(layout: Layout, value: string, at: string): string {
		this.nodes++;
		switch (layout.kind) {
			case 'int':
				return layout.bool
					? `if(typeof ${value}!=='boolean')return false;${this.store(layout.size, `${value}?1:0`, at)}`
					: this.integer(layout.size, layout.signed, value, at, this.little);
			case 'float':
				return this.float(layout.size, value, at);
			case 'enum': {
				const numbers = this.helper(layout.numbers);
				const number = this.name('e');
				const write = this.integer(layout.size, layout.signed, number, at, this.little);
				return `const ${number}=typeof ${value}==='string'?${numbers}.get(${value}):${value};${write}`;
			}

			case 'field':
				return this.field(layout, value, at);
			case 'array':
				return this.array(layout, value, at);
			case 'struct':
				return `if(!${this.struct(layout)}(${value},v,${at}))return false;`;
			case 'bits':
				return this.bits(layout, value, at);
		}
	}

	/** Writes zeros where no field does, and where bit-fields are to be added. */
	blank(layout: Layout): string {
		const mask = new Uint8Array(layout.size);
		coverBytes(layout, 0, mask);
		let text = '';
		for (let i = 0; i < mask.length; i++) {
			if (mask[i] !== 0) continue;
			this.nodes++;
			const isWord = i % 4 === 0 && !mask.subarray(i, i + 4).some(byte => byte !== 0);
			const size = isWord && i + 4 <= mask.length ? 4 : 1;
			text += this.store(size, '0', plus('o', i));
			i += size - 1;
		}

		return text;
	}

	/** Adds a bit-field to its bytes, which are zero there. */
	private bits({bit, bits, signed, bool, names}: BitsLayout, value: string, at: string): string {
		const number = this.name('b');
		const left = 32 - bits;
		const cut = `${number}<<${left}${signed ? '>>' : '>>>'}${left}`;
		const named =
			names && `typeof ${value}==='string'?${this.helper(names.numbers)}.get(${value}):`;
		let text = bool
			? `if(typeof ${value}!=='boolean')return false;const ${number}=${value}?1:0;`
			: `const ${number}=${named ?? ''}${value};if(typeof ${number}!=='number')return false;`;
		text += `if((${cut})!==${number})return false;`;
		for (let done = 0; done < bits;) {
			this.nodes++;
			const [byte, start] = [(bit + done) >> 3, (bit + done) & 7];
			const count = Math.min(8 - start, bits - done);
			// Where the highest bit comes first, so do the highest bits of the number.
			const from = this.little ? done : bits - done - count;
			const to = this.little ? start : 8 - start - count;
			const place = plus(at, byte);
			text += `v.setUint8(${place},v.getUint8(${place})|(${number}>>>${from}&${(1 << count) - 1})<<${to});`;
			done += count;
		}

		return text;
	}

	private struct({fields}: StructLayout): string {
		const name = this.name('f');
		// All fields are there, as is seen below, so as many keys as fields are those fields.
		let body =
			"if(typeof x!=='object'||x===null||Array.isArray(x)||ArrayBuffer.isView(x))return false;" +
			`let n=0;for(const k in x)n++;if(n!==${fields.length})return false;`;
		for (const {name: field, offset, layout} of fields) {
			const value = this.name('a');
			body += `const ${value}=x[${JSON.stringify(field)}];`;
			body += this.statements(layout, value, plus('o', offset));
		}

		this.declarations += `const ${name}=(x,v,o)=>{${body}return true};\n`;
		return name;
	}

	private array({length, element}: ArrayLayout, value: string, at: string): string {
		const check = `if(!(Array.isArray(${value})||${value} instanceof Uint8Array)||${value}.length!==${length})return false;`;
		if (length <= maxUnrolled && element.kind !== 'struct' && element.kind !== 'array') {
			let text = check;
			for (let i = 0; i < length; i++) {
				const each = this.name('a');
				text += `const ${each}=${value}[${i}];`;
				text += this.statements(element, each, plus(at, i * element.size));
			}

			return text;
		}

		const name = this.name('f');
		const write = this.statements(element, 'y', 'p');
		this.declarations += `const ${name}=(x,v,o)=>{for(let i=0,p=o;i<${length};i++,p+=${element.size}){const y=x[i];${write}}return true};\n`;
		return `${check}if(!${name}(${value},v,${at}))return false;`;
	}

	private integer(
		size: number,
		signed: boolean,
		value: string,
		at: string,
		little: boolean,
	): string {
		if (size === 8) return this.word(signed, value, at, little);
		const bits = 32 - size * 8;
		const cut = signed ? `${value}<<${bits}>>${bits}` : `${value}<<${bits}>>>${bits}`;
		return `if(typeof ${value}!=='number'||(${cut})!==${value})return false;${this.store(size, value, at, little)}`;
	}

	/**
	 * 64 bits: a number in two halves, a bigint by way of a typed array, whose bigints V8 cuts and
	 * compares in place where it calls a function for the view's own.
	 */
	private word(signed: boolean, value: string, at: string, little: boolean): string {
		const array = signed ? 's' : 'q';
		const least = signed ? Number.MIN_SAFE_INTEGER : 0;
		const [lowAt, highAt] = little ? [at, plus(at, 4)] : [plus(at, 4), at];
		const [low, high] = hostLittleEndian ? ['w[0]', 'w[1]'] : ['w[1]', 'w[0]'];
		const store = (lowWord: string, highWord: string): string =>
			`v.setUint32(${lowAt},${lowWord},${little});v.setUint32(${highAt},${highWord},${little})`;
		return (
			`if(typeof ${value}==='bigint'){${array}[0]=${value};if(${array}[0]!==${value})return false;${store(low, high)}}` +
			`else if(Number.isSafeInteger(${value})&&${value}>=${least}){${store(value, `Math.floor(${value}/4294967296)`)}}` +
			'else return false;'
		);
	}

	private float(size: number, value: string, at: string): string {
		const isWrong = size === 4 ? `||!Number.isFinite(Math.fround(${value}))` : '';
		return `if(typeof ${value}!=='number'${isWrong})return false;v.setFloat${size * 8}(${at},${value},${this.little});`;
	}

	private field(layout: Layout & {kind: 'field'}, value: string, at: string): string {
		if (layout.codec === 'be16') return this.integer(2, false, value, at, false);
		if (layout.codec === 'be32') return this.integer(4, false, value, at, false);
		if (layout.codec === 'be64') return this.word(false, value, at, false);
		return `if(!${this.helper(tolerant(layout))}(${value},v,${at}))return false;`;
	}

	private store(size: number, value: string, at: string, little = this.little): string {
		if (size === 1) return `v.setUint8(${at},${value});`;
		if (size === 8)
			return `v.setUint32(${plus(at, 4)},0);v.setUint32(${at},0);${this.store(1, value, this.little ? at : plus(at, 7))}`;
		return `v.setUint${size * 8}(${at},${value},${little});`;
	}

	private helper(value: unknown): string {
		const name = this.name('h');
		this.helpers[name] = value;
		return name;
	}

	private name(letter: string): string {
		return `${letter}${this.names++}`;
	}
}

/** Sets the bytes of `mask` that fields have for themselves. */
function coverBytes(layout: Layout, offset: number, mask: Uint8Array): void {
	if (layout.kind === 'array') {
		for (let i = 0; i < layout.length; i++) {
			coverBytes(layout.element, offset + i * layout.element.size, mask);
		}
	} else if (layout.kind === 'struct') {
		for (const field of layout.fields) coverBytes(field.layout, offset + field.offset, mask);
	} else if (layout.kind !== 'bits') {
		mask.fill(1, offset, offset + layout.size);
	}
}

/** The interpreting writer of one field, which says false where it would throw. */
function tolerant(layout: Layout & {kind: 'field'}): FastWriter {
	const write = fieldWriter(layout, '');
	return (value, view, offset) => {
		if (layout.codec === 'string') {
			new Uint8Array(view.buffer, view.byteOffset + offset, layout.size).fill(0);
		}

		try {
			write(value, view, offset);
			return true;
		} catch {
			return false;
		}
	};
}

/** Sums stay outside of brackets: `o+4+8` is as good as `o+12` to whoever compiles it. */
function plus(at: string, offset: number): string {
	return offset === 0 ? at : `${at}+${offset}`;
}
