import test from 'ava';
import fc from 'fast-check';

import {Btf} from '../../../src/format/btf/btf.js';
import {BtfBuilder} from '../../../src/format/btf/builder.js';
import {createCodec} from '../../../src/format/codec/codec.js';

const size = 4;

/** A struct of bit-fields of those widths, one after the other, each of them a bool or not. */
function codecs(widths: readonly number[], kind: 'bool' | 'signed' | 'unsigned', little: boolean) {
	const builder = new BtfBuilder({littleEndian: little});
	const typeId = builder.add({
		...{kind: 'int', name: 'of', size: 4, bits: 32, bitOffset: 0, char: false},
		...{signed: kind === 'signed', bool: kind === 'bool'},
	});
	let bitOffset = 0;
	const members = widths.map((bitfieldSize, i) => {
		const member = {name: `bits${i}`, typeId, bitOffset, bitfieldSize};
		bitOffset += bitfieldSize;
		return member;
	});
	const id = builder.add({kind: 'struct', name: 'fields', size, members});
	const btf = Btf.parse(builder.build());
	return [true, false].map(generate => createCodec(btf, id, {generate, littleEndian: little}));
}

const alike = test.macro({
	exec(t, kind: 'bool' | 'signed' | 'unsigned', little: boolean) {
		const widths = fc
			.array(fc.integer({min: 1, max: 12}), {minLength: 1, maxLength: 8})
			.filter(each => each.reduce((sum, width) => sum + width, 0) <= size * 8);
		const bytes = fc.uint8Array({minLength: size, maxLength: size});
		fc.assert(
			fc.property(widths, bytes, (each, data) => {
				const [generated, closures] = codecs(each, kind, little);
				const view = new DataView(data.buffer, data.byteOffset, size);
				const read = generated?.decode(view, 0);
				t.deepEqual(read, closures?.decode(view, 0));
				t.is(generated?.toJson(view, 0), closures?.toJson(view, 0));
			}),
			{numRuns: 40},
		);
	},
	title: (_, kind, little) =>
		`generated code reads ${kind} bit-fields as closures do, ${little ? 'little' : 'big'}-endian`,
});

for (const kind of ['bool', 'signed', 'unsigned'] as const) {
	test(alike, kind, true);
	test(alike, kind, false);
}
