/** A filter that the kernel runs: conditions on fields, compiled by the layout of key and value. */

import {parseMac, parsePrefix} from '../../base/address.js';
import {hostLittleEndian} from '../../base/bytes.js';
import {UsageError} from '../../base/errors.js';
import {nearest} from '../../base/suggest.js';
import type {Instruction} from '../../format/asm/instruction.js';
import {
	and,
	arsh,
	jumpIf,
	load,
	loadNumber,
	lsh,
	swap,
	type Unresolved,
	type WholeRegister,
} from '../../format/asm/build.js';
import type {IntLayout, Layout} from '../../format/codec/layout.js';

/** A number, or a number as text: `0x1f`, or the name of an enumerator. */
export type FilterNumber = number | bigint | string;

/** Both ends count; one of them may be missing. */
export interface FilterRange {
	readonly min?: FilterNumber;
	readonly max?: FilterNumber;
}

/**
 * Conditions that all have to hold, by the path of a field: `key.saddr`, `value.packets`, `saddr`
 * where only one of key and value has it, `tuple.ports.0` for an element of an array.
 *
 * A number, boolean or enumerator is compared; `{min, max}` and the text `1..1024` are ranges. The text
 * of an address or prefix (`10.0.0.0/8`, `2001:db8::/32`) is compared with the bytes of any field
 * of 4 or 16 bytes, that of a MAC with 6.
 */
export type ElementFilter = Readonly<Record<string, FilterNumber | boolean | FilterRange>>;

/** What the filter is compiled against; undefined where the map has no types. */
export interface FilterLayouts {
	readonly map: string;
	readonly key: Layout | undefined;
	readonly value: Layout | undefined;
}

/** Where the two stand in the program. */
const registers = {key: 'r6', value: 'r7'} as const satisfies Record<string, WholeRegister>;

interface Field {
	readonly base: WholeRegister;
	readonly offset: number;
	readonly layout: Layout;
	readonly path: string;
}

/**
 * Instructions that jump to `next` where the element does not match; they use r1 and r2.
 *
 * *Throws:* `ERR_USAGE` for a field that is not there, or a condition that does not fit it.
 */
export function compileFilter(
	filter: ElementFilter,
	layouts: FilterLayouts,
	next: string,
): (Instruction | Unresolved)[] {
	return Object.entries(filter).flatMap(([path, condition]) => {
		const field = findField(path, layouts);
		const refuse = (detail: string): UsageError =>
			new UsageError(`filter map "${layouts.map}" by "${path}": ${detail}`);
		return new FieldCompiler(field, next, refuse).compile(condition);
	});
}

function findField(path: string, layouts: FilterLayouts): Field {
	const [head = '', ...rest] = path.split('.');
	if (head === 'key' || head === 'value') return within(head, rest, path, layouts);
	const found = (['key', 'value'] as const).filter(part => has(layouts[part], head));
	const [part] = found;
	if (part !== undefined && found.length === 1) {
		return within(part, [head, ...rest], path, layouts);
	}

	if (found.length === 2) {
		const detail = `both key and value have it: say key.${path} or value.${path}`;
		throw new UsageError(`filter map "${layouts.map}" by "${path}": ${detail}`);
	}

	const names = [...fieldNames(layouts.key), ...fieldNames(layouts.value)];
	throw noField(layouts.map, path, head, names);
}

function within(
	part: 'key' | 'value',
	segments: readonly string[],
	path: string,
	layouts: FilterLayouts,
): Field {
	const whole = layouts[part];
	if (whole === undefined) {
		throw new UsageError(
			`filter map "${layouts.map}" by "${path}": the ${part} has no type that says where it is`,
		);
	}

	let layout = whole;
	let offset = 0;
	for (const segment of segments) {
		const names = fieldNames(layout);
		if (layout.kind === 'struct') {
			const field = layout.fields.find(({name}) => name === segment);
			if (field === undefined) throw noField(layouts.map, path, segment, names);
			offset += field.offset;
			({layout} = field);
		} else if (layout.kind === 'array' && /^\d+$/.test(segment)) {
			const index = Number(segment);
			if (index >= layout.length) throw noField(layouts.map, path, segment, names);
			offset += index * layout.element.size;
			layout = layout.element;
		} else {
			throw noField(layouts.map, path, segment, names);
		}
	}

	return {base: registers[part], offset, layout, path};
}

function has(layout: Layout | undefined, name: string): boolean {
	return fieldNames(layout).includes(name);
}

function fieldNames(layout: Layout | undefined): string[] {
	return layout?.kind === 'struct' ? layout.fields.map(({name}) => name) : [];
}

function noField(map: string, path: string, name: string, names: readonly string[]): UsageError {
	const close = nearest(name, names);
	const advice = close === undefined ? '' : `; did you mean "${close}"?`;
	return new UsageError(`filter map "${map}" by "${path}": there is no field "${name}"${advice}`);
}

type Condition = ElementFilter[string];

class FieldCompiler {
	private readonly field: Field;
	private readonly next: string;
	private readonly refuse: (detail: string) => UsageError;

	constructor(field: Field, next: string, refuse: (detail: string) => UsageError) {
		this.field = field;
		this.next = next;
		this.refuse = refuse;
	}

	compile(condition: Condition): (Instruction | Unresolved)[] {
		const {layout} = this.field;
		if (typeof condition === 'string') {
			const bytes = this.addressBytes(condition);
			if (bytes !== undefined) return this.compareBytes(bytes.bytes, bytes.bits);
		}

		const range = this.range(condition);
		switch (layout.kind) {
			case 'int':
				if (layout.size > 8) throw this.refuse(`a number of ${layout.size} bytes`);
				return this.compareNumber(layout, false, range);
			case 'enum':
				return this.compareNumber({...layout, kind: 'int', bool: false}, false, range);
			case 'field':
				if (layout.codec === 'be16' || layout.codec === 'be32' || layout.codec === 'be64') {
					const {size} = layout;
					const number = {kind: 'int', size, signed: false, bool: false} as const;
					return this.compareNumber(number, true, range);
				}

				throw this.refuse(`a field read as ${layout.codec} is no number`);
			case 'bits':
				throw this.refuse('a bit-field cannot be compared');
			default:
				throw this.refuse(`a ${layout.kind} cannot be compared`);
		}
	}

	/** The bytes that an address stands for; undefined for text that is none. */
	private addressBytes(text: string): {bytes: Uint8Array; bits: number} | undefined {
		const {size} = this.field.layout;
		if (/^[\da-f]{2}([:-][\da-f]{2}){5}$/i.test(text) && size === 6) {
			return {bytes: parseMac(text), bits: 48};
		}

		if (!/^\d+\.\d+\.\d+\.\d+(\/\d+)?$|:/.test(text)) return undefined;
		const {address, length} = parsePrefix(text);
		if (address.length !== size) {
			throw this.refuse(`an address of ${address.length} bytes, the field has ${size}`);
		}

		return {bytes: address, bits: length};
	}

	/** Compares the first `bits` of the field, word by word. */
	private compareBytes(bytes: Uint8Array, bits: number): (Instruction | Unresolved)[] {
		const {base, offset} = this.field;
		const instructions: (Instruction | Unresolved)[] = [];
		for (let at = 0; at * 8 < bits;) {
			const size = bytes.length - at >= 4 ? 4 : 2;
			const part = Array.from({length: size}, (_, i) => {
				const left = Math.min(8, Math.max(0, bits - (at + i) * 8));
				const mask = (0xff00 >> left) & 0xff;
				return {mask, value: (bytes[at + i] ?? 0) & mask};
			});
			const mask = word(part.map(each => each.mask));
			instructions.push(
				load('r1', size === 4 ? 'u32' : 'u16', base, offset + at),
				and('w1', mask),
				jumpIf('w1', '!=', word(part.map(each => each.value)), this.next),
			);
			at += size;
		}

		return instructions;
	}

	private compareNumber(
		{size, signed, bool}: IntLayout,
		swapped: boolean,
		{min, max}: {min: bigint | undefined; max: bigint | undefined},
	): (Instruction | Unresolved)[] {
		const {base, offset} = this.field;
		const bits = size * 8;
		const isSigned = signed && !bool;
		for (const end of [min, max]) {
			if (end === undefined) continue;
			const cut = isSigned ? BigInt.asIntN(bits, end) : BigInt.asUintN(bits, end);
			if (cut !== end) throw this.refuse(`${end} does not fit ${bits} bits`);
		}

		const instructions: (Instruction | Unresolved)[] = [
			load('r1', `u${bits}` as 'u8' | 'u16' | 'u32' | 'u64', base, offset),
		];
		if (swapped && hostLittleEndian) instructions.push(swap('be', 'r1', bits as 16 | 32 | 64));
		if (isSigned && bits < 64) instructions.push(lsh('r1', 64 - bits), arsh('r1', 64 - bits));
		const [below, above] = isSigned ? (['s<', 's>'] as const) : (['<', '>'] as const);
		if (min !== undefined && min === max) {
			return [...instructions, loadNumber('r2', min), jumpIf('r1', '!=', 'r2', this.next)];
		}

		if (min !== undefined) {
			instructions.push(loadNumber('r2', min), jumpIf('r1', below, 'r2', this.next));
		}

		if (max !== undefined) {
			instructions.push(loadNumber('r2', max), jumpIf('r1', above, 'r2', this.next));
		}

		return instructions;
	}

	private range(condition: Condition): {min: bigint | undefined; max: bigint | undefined} {
		if (typeof condition === 'object') {
			const unknown = Object.keys(condition).find(key => key !== 'min' && key !== 'max');
			if (unknown !== undefined) throw this.refuse(`a range has min and max, no ${unknown}`);
			const {min, max} = condition;
			return {
				min: min === undefined ? undefined : this.number(min),
				max: max === undefined ? undefined : this.number(max),
			};
		}

		const [, from, to] = /^(.*?)\.\.(.*)$/.exec(String(condition)) ?? [];
		if (typeof condition === 'string' && from !== undefined && to !== undefined) {
			return {
				min: from === '' ? undefined : this.number(from),
				max: to === '' ? undefined : this.number(to),
			};
		}

		const number = this.number(condition);
		return {min: number, max: number};
	}

	private number(value: FilterNumber | boolean): bigint {
		const {layout} = this.field;
		if (typeof value === 'string' && layout.kind === 'enum') {
			const named = layout.numbers.get(value);
			if (named !== undefined) return BigInt(named);
		}

		if (value === 'true' || value === true) return 1n;
		if (value === 'false' || value === false) return 0n;
		try {
			if (value !== '') return BigInt(value);
		} catch {
			// Not a whole number: said below.
		}

		throw this.refuse(`expected a whole number, got ${JSON.stringify(value)}`);
	}
}

/** Bytes as the machine reads them in one word. */
function word(bytes: readonly number[]): number {
	const ordered = hostLittleEndian ? [...bytes].reverse() : bytes;
	return ordered.reduce((sum, byte) => sum * 256 + byte, 0);
}
