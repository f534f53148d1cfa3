import test from 'ava';
import {viewOf} from '../../../src/base/bytes.js';
import {Btf} from '../../../src/format/btf/btf.js';
import {stripBtf} from '../../../src/format/btf/strip.js';
import {Types} from './types.js';

/** The same types under a header of `length` bytes, with what newer ones say of the sizes of kinds. */
function withHeader(length: number, ...words: readonly number[]): Uint8Array {
	const types = new Types();
	types.struct('flow', 4, [['a', types.u32, 0]]);
	const bytes = types.builder.build();
	const longer = new Uint8Array(bytes.length + length - 24);
	longer.set(bytes.subarray(0, 24));
	longer.set(bytes.subarray(24), length);
	const view = viewOf(longer);
	view.setUint32(4, length, types.parse().littleEndian);
	for (const [index, word] of words.entries()) {
		view.setUint32(24 + index * 4, word, types.parse().littleEndian);
	}

	return longer;
}

test('a header that says the sizes of kinds is read', t => {
	const btf = Btf.parse(withHeader(32, 8, 4));
	t.is(btf.find('flow', 'struct')?.size, 4);
	t.deepEqual(stripBtf(btf, new Set()), stripBtf(Btf.parse(withHeader(24)), new Set()));
});

test('sizes of kinds that reach beyond the end are refused', t => {
	t.throws(() => Btf.parse(withHeader(32, 8, 4000)), {
		code: 'ERR_BTF',
		message: /beyond the end/,
	});
});

test('a header with more than is known is refused, unless it is zero', t => {
	t.throws(() => Btf.parse(withHeader(36, 0, 0, 1)), {code: 'ERR_BTF', message: /not known/});
	t.is(Btf.parse(withHeader(36, 0, 0, 0)).typeCount, 6);
});
