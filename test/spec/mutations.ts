import fc from 'fast-check';
import {parseElf} from '../../src/format/elf/elf.js';
import type {TestObject} from './corpus.js';

/** Where a field may lie: the file, its headers, or one section, each as likely as the others. */
interface Place {
	readonly region: number;
	/** From 0 to 1: how far into the region. */
	readonly at: number;
	/** Fields begin at multiples of their size more often than not. */
	readonly aligned: boolean;
}

type Edit =
	| {readonly kind: 'flip'; readonly place: Place; readonly bit: number}
	| {readonly kind: 'byte'; readonly place: Place; readonly value: number}
	| {readonly kind: 'field'; readonly place: Place; readonly size: number; readonly value: bigint}
	| {readonly kind: 'cut'; readonly place: Place}
	| {readonly kind: 'splice'; readonly place: Place; readonly from: Place; readonly size: number};

/** One damaged object, ready to be made from the corpus. */
export interface Damage {
	readonly object: number;
	readonly edits: readonly Edit[];
}

const interesting = [
	0n,
	1n,
	2n,
	4n,
	7n,
	8n,
	16n,
	24n,
	63n,
	64n,
	255n,
	256n,
	0x7fffn,
	0xff00n,
	0xfff1n,
	0xfff2n,
	0xffffn,
	0x7fffffffn,
	0x80000000n,
	0xfffffff8n,
	0xffffffffn,
	0x1fffffffffffffn,
	0x20000000000000n,
	0x7fffffffffffffffn,
	0xffffffffffffffffn,
];

const place: fc.Arbitrary<Place> = fc.record({
	region: fc.nat(200),
	at: fc.double({min: 0, max: 1, noNaN: true, maxExcluded: true}),
	aligned: fc.boolean(),
});

const edit: fc.Arbitrary<Edit> = fc.oneof(
	fc.record({kind: fc.constant('flip' as const), place, bit: fc.nat(7)}),
	fc.record({kind: fc.constant('byte' as const), place, value: fc.nat(255)}),
	fc.record({
		kind: fc.constant('field' as const),
		place,
		size: fc.constantFrom(1, 2, 4, 8),
		value: fc.oneof(fc.constantFrom(...interesting), fc.bigInt({min: 0n, max: 4096n})),
	}),
	fc.record({kind: fc.constant('cut' as const), place}),
	fc.record({
		kind: fc.constant('splice' as const),
		place,
		from: place,
		size: fc.integer({min: 1, max: 300}),
	}),
);

export const damage: fc.Arbitrary<Damage> = fc.record({
	object: fc.nat(10_000),
	edits: fc.array(edit, {minLength: 1, maxLength: 4}),
});

type Region = readonly [start: number, end: number];

/** Applies damages to objects whose layout it knows. */
export class Mutator {
	readonly #objects: readonly {bytes: Uint8Array; regions: Region[]; littleEndian: boolean}[];

	constructor(objects: readonly TestObject[]) {
		this.#objects = objects.map(({bytes}) => {
			const {sections, littleEndian} = parseElf(bytes);
			const table = bytes.length - sections.length * 64;
			const regions: Region[] = [
				[0, bytes.length],
				[0, 64],
				[table, bytes.length],
			];
			for (const {offset, data, name} of sections) {
				// Of debugging information neither reader looks at a byte.
				if (data.length === 0 || name.includes('.debug')) continue;
				regions.push([offset, offset + data.length]);
			}

			return {bytes, regions, littleEndian};
		});
	}

	apply({object, edits}: Damage): Uint8Array {
		const source = this.#objects[object % this.#objects.length];
		if (source === undefined) throw new Error('no objects');
		const {regions, littleEndian} = source;
		let bytes = Uint8Array.from(source.bytes);
		for (const edit of edits) {
			const at = position(edit.place, regions, bytes.length, 'size' in edit ? edit.size : 1);
			switch (edit.kind) {
				case 'flip':
					bytes[at] = (bytes[at] ?? 0) ^ (1 << edit.bit);
					break;
				case 'byte':
					bytes[at] = edit.value;
					break;
				case 'field':
					for (let index = 0; index < edit.size && at + index < bytes.length; index++) {
						const shift = littleEndian ? index : edit.size - 1 - index;
						bytes[at + index] = Number((edit.value >> BigInt(shift * 8)) & 0xffn);
					}

					break;
				case 'cut':
					bytes = bytes.slice(0, at);
					break;
				case 'splice': {
					const from = position(edit.from, regions, bytes.length, 1);
					bytes.copyWithin(at, from, from + edit.size);
					break;
				}
			}
		}

		return bytes;
	}
}

function position(place: Place, regions: readonly Region[], length: number, size: number): number {
	const [start, end] = regions[place.region % regions.length] ?? [0, length];
	const at = start + Math.floor(place.at * (end - start));
	const aligned = place.aligned && size <= 8 ? at - ((at - start) % size) : at;
	return Math.min(aligned, Math.max(0, length - 1));
}
