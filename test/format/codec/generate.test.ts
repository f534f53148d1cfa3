import test from 'ava';
import fc from 'fast-check';
import {layoutOf} from '../../../src/format/codec/build-layout.js';
import {closureJson, closureReader} from '../../../src/format/codec/closures.js';
import {writerOf} from '../../../src/format/codec/encode.js';
import {generate} from '../../../src/format/codec/generate.js';
import {jsonSlack} from '../../../src/format/codec/json-bytes.js';
import {coverBits} from '../../../src/format/codec/layout.js';
import {ShapeBuilder, shapes} from './random-types.js';

const guard = 0x5a;

test('JSON written as bytes is that of closures, and stays within its limit', t => {
	let checked = 0;
	fc.assert(
		fc.property(shapes, fc.boolean(), fc.nat(255), (shape, littleEndian, fill) => {
			const builder = new ShapeBuilder(littleEndian);
			const {id, size} = builder.build(shape);
			if (size > 2048) return;
			const layout = layoutOf(builder.types.parse(), id, undefined);
			const json = generate(layout, littleEndian)?.json;
			if (json === undefined) return;
			// The largest numbers, and those of the most digits with a sign.
			const view = new DataView(new ArrayBuffer(size));
			for (let i = 0; i < size; i++) view.setUint8(i, i % 8 === 7 ? 0x80 : fill);
			const bytes = Buffer.alloc(json.limit + jsonSlack + 16, guard);
			const end = json.write(view, 0, bytes, new DataView(bytes.buffer, bytes.byteOffset), 0);
			t.true(end <= json.limit);
			t.is(bytes.toString('utf8', 0, end), closureJson(layout, littleEndian)(view, 0));
			t.true(bytes.subarray(json.limit + jsonSlack).every(byte => byte === guard));
			checked++;
		}),
		{numRuns: 500},
	);
	t.true(checked > 300);
});

test('of what is written only the bits of fields may be set', t => {
	fc.assert(
		fc.property(shapes, fc.boolean(), (shape, littleEndian) => {
			const builder = new ShapeBuilder(littleEndian);
			const {id, size} = builder.build(shape);
			if (size > 2048) return;
			const layout = layoutOf(builder.types.parse(), id, undefined);
			const view = new DataView(new Uint8Array(size).fill(0xff).buffer);
			const value = closureReader(layout, littleEndian)(view, 0);
			const written = new Uint8Array(size).fill(guard);
			writerOf(layout, '', littleEndian)(value, new DataView(written.buffer), 0);
			const mask = new Uint8Array(size);
			coverBits(layout, 0, mask, littleEndian);
			for (const [i, byte] of written.entries()) t.is(byte & ~(mask[i] ?? 0), 0);
		}),
		{numRuns: 500},
	);
});
