/** The statements of a JSON writer for a layout; see json-bytes.ts. */

import {jsonSlack} from './json-bytes.js';
import type {EnumLayout, FieldCodec, Layout} from './layout.js';

/** Expressions for leaves: the number at `at`, and the JSON text of what is no plain number. */
export interface Leaves {
	number(size: number, signed: boolean, at: string): string;
	text(layout: Layout, at: string): string;
}

/** What a text field may grow to: each byte an escape, or two digits, and the quotes. */
const fieldLimits: Readonly<Record<Exclude<FieldCodec, `be${number}`>, (size: number) => number>> =
	{
		ipv4: () => 17,
		ipv6: () => 47,
		mac: () => 19,
		string: size => size * 6 + 2,
		bytes: size => size * 2 + 2,
		hex: size => size * 2 + 2,
	};

export class JsonGenerator {
	/** Bytes that the text may take at most, so far. */
	limit = 0;
	private readonly leaves: Leaves;
	private readonly littleEndian: boolean;
	private names = 0;
	/** Text that waits to be written together with what follows it. */
	private pending = '';

	constructor(leaves: Leaves, littleEndian: boolean) {
		this.leaves = leaves;
		this.littleEndian = littleEndian;
	}

	/** Statements that write the value at `o` of `v` to `b` and `d` from `p` on, and move `p`. */
	statements(layout: Layout): string {
		const text = this.value(layout, 'o');
		return text + this.flush();
	}

	private value(layout: Layout, at: string): string {
		switch (layout.kind) {
			case 'int': {
				const {size, signed, bool} = layout;
				if (bool || size === 16) return this.leaf(size === 16 ? 40 : 5, layout, at);
				return size === 8
					? this.wide(signed, at, this.littleEndian)
					: this.narrow(size, signed, at);
			}

			case 'bits': {
				const {names, bits} = layout;
				const numbers = bits > 64 ? 40 : 20;
				return this.leaf(names === undefined ? numbers : longestName(names), layout, at);
			}

			case 'float':
				return this.leaf(25, layout, at);
			case 'enum':
				return this.leaf(longestName(layout), layout, at);

			case 'field': {
				const {codec, size} = layout;
				if (codec === 'be16' || codec === 'be32') {
					this.limit += 10;
					return `${this.flush()}p=u32(d,p,v.getUint${size * 8}(${at},false)|0);`;
				}

				if (codec === 'be64') return this.wide(false, at, false);
				if (codec === 'ipv6' || codec === 'string') {
					return this.leaf(fieldLimits[codec](size), layout, at);
				}

				this.limit += fieldLimits[codec](size);
				if (codec === 'ipv4' || codec === 'mac') {
					return `${this.flush()}p=${codec}(d,p,v,${at});`;
				}

				return `${this.flush()}p=hexadecimal(d,p,v,${at},${size});`;
			}

			case 'array':
				return this.array(layout, at);
			case 'struct': {
				let text = '';
				for (const [i, {name, offset, layout: inner}] of layout.fields.entries()) {
					this.pending += `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`;
					text += this.value(inner, `${at}+${offset}`);
				}

				this.pending += layout.fields.length === 0 ? '{}' : '}';
				return text;
			}
		}
	}

	private array({length, element}: Layout & {kind: 'array'}, at: string): string {
		if (length === 0) {
			this.pending += '[]';
			return '';
		}

		const i = `i${this.names++}`;
		const before = this.flush();
		const limit = this.limit;
		this.limit = 0;
		const each = this.value(element, `${at}+${i}*${element.size}`) + this.flush();
		this.limit = limit + 2 + length * (this.limit + 1);
		// Each element has a comma before it; the first one's becomes the bracket.
		const loop = `for(let ${i}=0;${i}<${length};${i}++){b[p++]=${i}===0?91:44;${each}}`;
		return `${before}${loop}b[p++]=93;`;
	}

	private narrow(size: number, signed: boolean, at: string): string {
		const read = this.leaves.number(size, signed, at);
		this.limit += 11;
		return `${this.flush()}p=${signed ? 'i32' : 'u32'}(d,p,${read}|0);`;
	}

	private wide(signed: boolean, at: string, littleEndian: boolean): string {
		const [low, high] = littleEndian ? [0, 4] : [4, 0];
		const word = (offset: number) => `v.getInt32(${at}+${offset},${littleEndian})`;
		this.limit += 20;
		return `${this.flush()}p=${signed ? 'i64' : 'u64'}(d,p,${word(high)},${word(low)});`;
	}

	private leaf(limit: number, layout: Layout, at: string): string {
		this.limit += limit;
		return `${this.flush()}p=text(b,p,${this.leaves.text(layout, at)});`;
	}

	/** Writes text eight bytes at a time; what goes beyond its end is overwritten next. */
	private flush(): string {
		const bytes = Buffer.from(this.pending);
		this.pending = '';
		if (bytes.length === 0) return '';
		const padded = Buffer.concat([bytes, Buffer.alloc(jsonSlack)]);
		let text = '';
		for (let i = 0; i < bytes.length; i += 8) text += storeEight(padded, i, bytes.length - i);
		this.limit += bytes.length;
		return `${text}p+=${bytes.length};`;
	}
}

/** Eight bytes are stored as a double: no UTF-8 is one of the many that are not a number. */
function storeEight(bytes: Buffer, at: number, count: number): string {
	return count > 4
		? `d.setFloat64(p+${at},${bytes.readDoubleLE(at)},true);`
		: `d.setInt32(p+${at},${bytes.readInt32LE(at)},true);`;
}

/** Bytes of the longest text that an enumerator, or a number in its place, may have. */
function longestName({names}: EnumLayout): number {
	let longest = 20;
	for (const name of names.values()) {
		longest = Math.max(longest, Buffer.byteLength(JSON.stringify(name)));
	}

	return longest;
}
