import test from 'ava';
import fc from 'fast-check';
import {isEbpfError} from '../../../src/base/errors.js';
import {Btf} from '../../../src/format/btf/btf.js';
import {BtfError} from '../../../src/format/btf/btf-error.js';
import {CodecError} from '../../../src/format/codec/codec-error.js';
import {createCodec} from '../../../src/format/codec/codec.js';
import {describeType} from '../../../src/format/btf/describe.js';
import {lineWords, parseBtfExt} from '../../../src/format/btf/ext.js';
import {timed} from '../../helpers/timed.js';
import {section} from './types.js';

const position = fc.double({min: 0, max: 1, noNaN: true, maxExcluded: true});
const number = fc.oneof(
	fc.constantFrom(0, 1, 2, 3, 4, 7, 8, 12, 16, 0xff, 0xffff, 0x10000, 0x7fffffff, 0xffffffff),
	fc.nat(300),
	// Information words: a kind and a number of parts.
	fc.tuple(fc.nat(21), fc.nat(4)).map(([kind, count]) => kind * 2 ** 24 + count),
);

const edit = fc.oneof(
	fc.record({kind: fc.constant('word' as const), at: position, value: number}),
	fc.record({kind: fc.constant('byte' as const), at: position, value: fc.nat(255)}),
	fc.record({kind: fc.constant('copy' as const), at: position, value: fc.nat(0xffff)}),
	fc.record({kind: fc.constant('cut' as const), at: position, value: fc.constant(0)}),
);
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

function apply(source: Uint8Array, edits: readonly Edit[]): Uint8Array {
	let bytes = Uint8Array.from(source);
	for (const {kind, at, value} of edits) {
		const word = Math.min(
			Math.floor((at * bytes.length) / 4) * 4,
			Math.max(0, bytes.length - 4),
		);
		if (kind === 'cut') bytes = bytes.slice(0, Math.floor(at * bytes.length));
		if (kind === 'byte' && bytes.length > 0) bytes[Math.floor(at * bytes.length)] = value;
		if (kind === 'copy')
			bytes.copyWithin(word, (value * 4) % Math.max(1, bytes.length), word + 12);
		if (kind === 'word' && bytes.length >= 4) {
			new DataView(bytes.buffer).setUint32(word, value, true);
		}
	}

	return bytes;
}

/** Asks for everything that there is to ask, and gives what was refused on the way. */
function walk(bytes: Uint8Array): 'read' | 'refused' {
	let btf: Btf;
	try {
		btf = Btf.parse(bytes);
	} catch (error) {
		if (error instanceof BtfError) return 'refused';
		throw error;
	}

	for (let id = 0; id < btf.typeCount; id++) {
		attempt(() => btf.type(id));
		attempt(() => btf.resolve(id));
		attempt(() => btf.sizeOf(id));
		attempt(() => describeType(btf, id));
		attempt(() => btf.findAll(btf.type(id).name));
		if (id % 5 === 0) attempt(() => useCodec(btf, id));
	}

	return 'read';
}

function useCodec(btf: Btf, id: number): void {
	const littleEndian = id % 2 === 0;
	const codec = createCodec(btf, id, {generate: false, littleEndian});
	if (codec.size > 10_000) return;
	const view = new DataView(new Uint8Array(codec.size).fill(0xa5).buffer);
	const json = codec.toJson(view, 0);
	if (createCodec(btf, id, {littleEndian}).toJson(view, 0) !== json) {
		throw new Error(`generated code reads type ${id} otherwise`);
	}

	codec.encode(codec.decode(view, 0), view, 0);
}

function attempt(step: () => unknown): void {
	try {
		step();
	} catch (error) {
		if (error instanceof BtfError || error instanceof CodecError) return;
		throw error;
	}
}

test('any damage is refused, or what is left can be walked to its end, in bounded time', async t => {
	const source = await section('.BTF');
	let refused = 0;
	let longest = 0;
	fc.assert(
		fc.property(fc.array(edit, {minLength: 1, maxLength: 4}), edits => {
			const bytes = apply(source, edits);
			const {result, time} = timed(1000, () => walk(bytes));
			if (result === 'refused') refused++;
			longest = Math.max(longest, time);
		}),
		{numRuns: 10_000},
	);
	t.log(`${refused} of 10000 refused, the longest took ${longest.toFixed(1)} ms`);
	t.true(refused > 3000);
	t.true(refused < 9900);
	t.true(longest < 1000);
});

test('every cut is refused', async t => {
	const source = await section('.BTF');
	for (let length = 0; length < source.length; length += 7) {
		t.throws(() => Btf.parse(source.subarray(0, length)), {instanceOf: BtfError}, `${length}`);
	}
});

test('any damage of .BTF.ext is refused or harmless', async t => {
	const btf = Btf.parse(await section('.BTF'));
	const source = await section('.BTF.ext');
	let refused = 0;
	fc.assert(
		fc.property(fc.array(edit, {minLength: 1, maxLength: 3}), edits => {
			try {
				for (const {functions, lines} of parseBtfExt(apply(source, edits), btf).values()) {
					for (const {typeId} of functions) t.is(btf.type(typeId).kind, 'func');
					for (let at = 0; at < lines.length; at += lineWords) {
						const [, file = 0, text = 0] = lines.subarray(at);
						t.is(typeof btf.string(text), typeof btf.string(file));
					}
				}
			} catch (error) {
				if (!(error instanceof BtfError) || !isEbpfError(error)) throw error;
				refused++;
			}
		}),
		{numRuns: 3000},
	);
	t.true(refused > 1000);
});
