import {createRequire} from 'node:module';
import test from 'ava';
import fc from 'fast-check';
import {alignUp} from '../../../src/base/bytes.js';
import {parseElf} from '../../../src/format/elf/elf.js';
import {ElfError} from '../../../src/format/elf/elf-error.js';
import {bigEndian, corpus, object} from '../../spec/corpus.js';
import {timed} from '../../helpers/timed.js';
import {damage, Mutator} from '../../spec/mutations.js';
import {brokenRule} from './invariants.js';

interface OracleHeader {
	name: string;
	type: string | undefined;
	addr: number;
	offset: number;
	size: number;
	link: number;
	info: number;
	addralign: number;
	entsize: number;
}

const oracle = createRequire(import.meta.url)('elf-tools') as {
	parse(bytes: Buffer): {sections: {header: OracleHeader; data: Buffer}[]};
};

const oracleTypes: Readonly<Record<number, string>> = {
	0: 'null',
	1: 'progbits',
	2: 'symtab',
	3: 'strtab',
	4: 'rela',
	8: 'nobits',
	9: 'rel',
};

test('sections are what another reader finds in every object', async t => {
	for (const {name, bytes} of await corpus()) {
		const expected = oracle.parse(Buffer.from(bytes)).sections;
		const {sections} = parseElf(bytes);
		t.is(sections.length, expected.length, name);
		for (const [index, section] of sections.entries()) {
			const header = expected[index]?.header;
			t.like(
				header,
				{
					name: section.name,
					addr: section.address,
					offset: section.offset,
					size: section.size,
					link: section.link,
					info: section.info,
					addralign: section.alignment,
					entsize: section.entrySize,
				},
				`${name} ${index}`,
			);
			const type = oracleTypes[section.type];
			if (type !== undefined) t.is(header?.type, type, `${name} ${index}`);
			// It swaps the bytes of numbers inside its own copy: data is compared with the file.
			t.deepEqual(
				Buffer.from(section.data),
				section.type === 8
					? Buffer.alloc(0)
					: Buffer.from(bytes.subarray(section.offset, section.offset + section.size)),
			);
		}
	}
});

const described = test.macro({
	async exec(t, flags: readonly string[]) {
		const bytes = await object('linking', flags);
		const elf = parseElf(bytes);
		const text = elf.section('.text');
		const tc = elf.section('tc');
		if (text === undefined || tc === undefined) throw new Error('no code');

		t.is(elf.littleEndian, flags.length === 0);
		t.is(text.data.buffer, bytes.buffer, 'data is a view');
		const leaf = elf.symbols.find(symbol => symbol.name === 'leaf');
		t.like(leaf, {
			type: 'func',
			binding: 'local',
			visibility: 'default',
			sectionIndex: text.index,
		});
		t.like(
			elf.symbols.find(symbol => symbol.name === 'shared'),
			{type: 'object', binding: 'global', size: 4, sectionIndex: elf.section('.data')?.index},
		);
		const calls = elf.relocations(tc).filter(({type}) => type === 10);
		t.deepEqual(
			calls.map(({symbol}) => [symbol.type, symbol.name]),
			[
				['func', 'left'],
				['func', 'right'],
				['section', ''],
			],
		);
		t.deepEqual(elf.relocations(elf.sections[0] ?? text), []);
		t.is(elf.section('nothing'), undefined);
		t.is(elf.section('.bss')?.data.length, 0);
		t.is(elf.section('.bss')?.size, 4);
	},
	title: (_, flags: readonly string[]) =>
		`symbols and relocations are read, ${flags.join(' ') || 'little endian'}`,
});

test(described, []);
test(described, bigEndian);

test('a file of 64 bytes that asks for more zero bytes than memory has is refused', async t => {
	const bytes = Uint8Array.from(await object('linking'));
	const elf = parseElf(bytes);
	const bss = elf.section('.bss');
	const header = bytes.length - elf.sections.length * 64 + (bss?.index ?? 0) * 64;
	new DataView(bytes.buffer).setBigUint64(header + 32, 2n ** 40n, true);
	t.throws(() => parseElf(bytes), {
		instanceOf: ElfError,
		message: /section \d+ "\.bss" of 1099511627776 zero bytes makes more than 268435456 in all/,
	});
});

test('any damage is refused, or what is read keeps every rule, within 50 ms', async t => {
	const objects = await corpus();
	const mutator = new Mutator(objects);
	for (const {name, bytes} of objects) t.is(brokenRule(bytes, parseElf(bytes)), undefined, name);

	let refused = 0;
	let longest = 0;
	fc.assert(
		fc.property(damage, damage => {
			const bytes = mutator.apply(damage);
			const {result: broken, time} = timed(50, () => read(bytes));
			longest = Math.max(longest, time);
			if (broken === 'refused') refused++;
			else if (broken !== undefined) throw new Error(broken);
		}),
		{numRuns: 12_000},
	);
	t.log(`${refused} of 12000 refused, the longest took ${longest.toFixed(1)} ms`);
	t.true(refused > 3000);
	t.true(longest < 50);
});

function read(bytes: Uint8Array): string | undefined {
	try {
		return brokenRule(bytes, parseElf(bytes));
	} catch (error) {
		if (error instanceof ElfError) return 'refused';
		throw error;
	}
}

test('every cut of a file is refused', async t => {
	const bytes = await object('linking');
	for (let length = 0; length < bytes.length; length += alignUp(length / 100 + 1, 1)) {
		t.throws(() => parseElf(bytes.subarray(0, length)), {instanceOf: ElfError}, `${length}`);
	}
});
