import {readFile} from 'node:fs/promises';
import test from 'ava';
import {Btf} from '../../../src/format/btf/btf.js';
import {createCodec} from '../../../src/format/codec/codec.js';
import {parseElf, type ElfFile} from '../../../src/format/elf/elf.js';
import {compile} from '../../helpers/compile.js';
import {hexOf} from '../btf/types.js';

/** The values that `values.bpf.c` gives its variables. */
const values: Readonly<Record<string, unknown>> = {
	bits: {
		low: 5,
		sign: -3,
		across: 0x1234,
		top: 0x55,
		most: 0x1deadbeefn,
		rest: -1_073_741_824,
	},
	packed_bits: {head: 0xab, a: 0x15, b: 0x1aa, c: -2n, d: 0xdeadbeef},
	mixed: {before: 1, flag: 1, minus: -1, sign: 'MINUS', on: true, after: 0xbeef},
	nested: {
		tag: 9,
		x: 0x1234,
		y: -2,
		list: [{inner: [1, 2, 3]}, {inner: [4, 5, 6]}],
	},
	packed: {a: 1, b: 0x02030405, c: 0x0607, d: 0x08090a0b0c0d0e0fn},
	node: {next: 0n, value: 0xfffe},
	grid: [
		[1, 2, 3],
		[4, 5, 0xffffffff],
	],
	scalars: {
		sign: 'MINUS',
		tiny: 'C',
		yes: true,
		text: [0x73, 0x6b, 0x65, 0x70, 0, 0],
		least: -128,
		lowest: -(2n ** 63n),
		highest: 2n ** 64n - 1n,
		negative: -2n,
		large: (0xfedcba9876543210n << 64n) | 1n,
		single: -1.5,
		twice: 1e300,
	},
};

async function compiled(target: string): Promise<{elf: ElfFile; btf: Btf}> {
	const path = new URL('../../../../test/fixtures/btf/values.bpf.c', import.meta.url);
	const elf = parseElf(
		await readFile(await compile(await readFile(path, 'utf8'), ['-target', target])),
	);
	return {elf, btf: Btf.parse(elf.section('.BTF')?.data ?? new Uint8Array())};
}

/** The bytes that the compiler has put where the variable is. */
function bytesOf(elf: ElfFile, name: string): DataView {
	const symbol = elf.symbols.find(each => each.name === name);
	const section = elf.sections[symbol?.sectionIndex ?? 0];
	if (symbol === undefined || section === undefined) throw new Error(`no variable ${name}`);
	const bytes = section.data.slice(symbol.value, symbol.value + symbol.size);
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

const compiler = test.macro({
	async exec(t, target: string, littleEndian: boolean, name: string) {
		const {elf, btf} = await compiled(target);
		t.is(elf.littleEndian, littleEndian);
		t.is(btf.littleEndian, littleEndian);
		const typeId = btf.find(name, 'var')?.typeId ?? 0;
		const bytes = bytesOf(elf, name);
		for (const generate of [true, false]) {
			const codec = createCodec(btf, typeId, {littleEndian, generate});
			t.is(codec.size, bytes.byteLength);
			t.like(wrap(codec.decode(bytes, 0)), wrap(values[name]));
			const cursor = codec.cursor();
			cursor.move(bytes, 0);
			const written = new DataView(new ArrayBuffer(codec.size + 2), 1, codec.size);
			new Uint8Array(written.buffer).fill(0x55);
			codec.encode(values[name], written, 0);
			t.is(hexOf(written), hexOf(bytes));
			codec.encode(cursor.value, written, 0);
			t.is(hexOf(written), hexOf(bytes));
		}
	},
	title: (_, target: string, __, name: string) =>
		`${name} is read and written as the compiler has it, ${target}`,
});

/** `t.like` compares objects; members of a union that the table leaves out may be more. */
function wrap(value: unknown): {value: unknown} {
	return {value};
}

for (const name of Object.keys(values)) {
	test(compiler, 'bpfel', true, name);
	test(compiler, 'bpfeb', false, name);
}
