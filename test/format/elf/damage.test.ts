import test from 'ava';
import {type ElfFile, parseElf} from '../../../src/format/elf/elf.js';
import {ElfError} from '../../../src/format/elf/elf-error.js';
import {object} from '../../spec/corpus.js';

/** Fields of a section header, by their offset in it. */
const fields = {
	name: 0,
	type: 4,
	flags: 8,
	offset: 24,
	size: 32,
	link: 40,
	info: 44,
	align: 48,
	entry: 56,
};

interface Editor {
	readonly view: DataView;
	readonly elf: ElfFile;
	/** Where a field of a section's header is. */
	readonly header: (section: string, field: keyof typeof fields) => number;
	/** Where a section's bytes are. */
	readonly data: (section: string) => number;
}

type Edit = (editor: Editor) => void;

function editor(bytes: Uint8Array): Editor {
	const elf = parseElf(bytes);
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
	const index = (name: string): number => {
		const section = elf.section(name);
		if (section === undefined) throw new Error(`no section ${name}`);
		return section.index;
	};
	return {
		view,
		elf,
		header: (name, field) =>
			Number(view.getBigUint64(40, true)) + index(name) * 64 + fields[field],
		data: name => elf.sections[index(name)]?.offset ?? 0,
	};
}

const refused = test.macro({
	async exec(t, _what: string, edit: Edit, message: RegExp, where: Partial<ElfError> = {}) {
		const bytes = Uint8Array.from(await object('linking'));
		edit(editor(bytes));
		const error = t.throws(() => parseElf(bytes), {instanceOf: ElfError, code: 'ERR_ELF'});
		t.regex(error.message, message);
		t.like(error, {code: 'ERR_ELF', ...where});
	},
	title: (_, what) => `${what} is refused`,
});

const u8 =
	(at: number, value: number): Edit =>
	({view}) =>
		view.setUint8(at, value);
const u16 =
	(at: number, value: number): Edit =>
	({view}) =>
		view.setUint16(at, value, true);
const field =
	(section: string, name: keyof typeof fields, value: number): Edit =>
	({view, header}) =>
		view.setUint32(header(section, name), value, true);
const high =
	(section: string, name: keyof typeof fields, value: number): Edit =>
	({view, header}) =>
		view.setUint32(header(section, name) + 4, value, true);
const symbol =
	(at: number, value: number, size: 1 | 2 | 4): Edit =>
	({view, data}) => {
		const offset = data('.symtab') + 2 * 24 + at;
		if (size === 1) view.setUint8(offset, value);
		else if (size === 2) view.setUint16(offset, value, true);
		else view.setUint32(offset, value, true);
	};
const relocation =
	(at: number, value: number): Edit =>
	({view, data}) =>
		view.setUint32(data('.reltc') + at, value, true);

test(refused, 'another magic', u8(0, 0x7e), /^read ELF: does not start with 7f 45 4c 46$/, {
	offset: 0,
});
test(refused, 'a 32-bit file', u8(4, 1), /^read ELF: class is 1, not 2 \(a 64-bit file\)$/, {
	offset: 4,
});
test(
	refused,
	'no byte order',
	u8(5, 0),
	/^read ELF: byte order 0 is neither 1 \(little\) nor 2 \(big\)$/,
);
test(
	refused,
	'the other byte order',
	u8(5, 2),
	/^read ELF: type is 256, not 1 \(a relocatable object\)$/,
);
test(
	refused,
	'an identification version',
	u8(6, 2),
	/^read ELF: identification version is 2, not 1/,
);
test(refused, 'an executable', u16(16, 2), /^read ELF: type is 2, not 1 \(a relocatable object\)$/);
test(refused, 'an object for x86', u16(18, 62), /^read ELF: machine is 62, not 247 \(BPF\)$/);
test(refused, 'an object for no machine', u16(18, 0), /^read ELF: machine is 0, not 247 \(BPF\)$/);
test(refused, 'a version', u16(20, 0), /^read ELF: version is 0, not 1/);
test(refused, 'a header size', u16(52, 52), /^read ELF: header size is 52, not 64/);
test(
	refused,
	'a section header size',
	u16(58, 40),
	/^read ELF: section header size is 40, not 64/,
	{offset: 58},
);
test(
	refused,
	'a file without sections',
	u16(60, 0),
	/^read ELF: section count 0 is outside 1\.\.65279$/,
);
test(
	refused,
	'a section count that says look elsewhere',
	u16(60, 0xff00),
	/^read ELF: section count 65280 is outside 1\.\.65279$/,
);
test(
	refused,
	'a section table that is too long',
	u16(60, 0xfeff),
	/^read ELF: section table at \d+\.\.\d+ is outside 64\.\.\d+$/,
	{offset: 40},
);
test(
	refused,
	'a section table in the header',
	u16(40, 8),
	/^read ELF: section table at 8\.\.\d+ is outside 64\.\.\d+$/,
);
test(
	refused,
	'a section table beyond 2^53',
	u16(46, 0x20),
	/^read ELF: offset of section table 0 is 2\^53 or more$/,
);
test(
	refused,
	'a name table that is no section',
	u16(62, 0xfff0),
	/^read ELF: section 65520 for names of sections is outside 1\.\.\d+$/,
);
test(
	refused,
	'a name table that is no string table',
	u16(62, 2),
	/^read ELF: section 2 is used as string table but has type 1$/,
);
test(
	refused,
	'a string table without its last NUL',
	({view, elf}) => {
		const table = elf.section('.strtab');
		if (table) view.setUint8(table.offset + table.size - 1, 0x41);
	},
	/^read ELF: string table #\d+ does not end with a NUL: its last name would run out of it$/,
);
test(
	refused,
	'a string table that is no UTF-8',
	({view, data}) => view.setUint8(data('.strtab') + 1, 0xff),
	/^read ELF: string table #\d+ is no UTF-8$/,
);
test(
	refused,
	'a section name outside its table',
	field('tc', 'name', 100_000),
	/^read ELF: name of section \d+ is at 100000, outside string table #\d+ of \d+ bytes$/,
);
test(
	refused,
	'a section behind the end',
	field('tc', 'offset', 10_000_000),
	/^read ELF: section \d+ at 10000000\.\.\d+ is outside the file of \d+ bytes$/,
);
test(
	refused,
	'a section that is too long',
	field('tc', 'size', 10_000_000),
	/^read ELF: section \d+ at \d+\.\.\d+ is outside the file of \d+ bytes$/,
);
test(
	refused,
	'a section of 2^53 bytes',
	high('tc', 'size', 0x200000),
	/^read ELF: size of section \d+ is 2\^53 or more$/,
);
test(
	refused,
	'a section of almost 2^53 bytes',
	high('tc', 'size', 0x1fffff),
	/^read ELF: section \d+ at \d+\.\.\d+ is outside the file of \d+ bytes$/,
);
test(
	refused,
	'a section on top of another',
	({view, header, data}) => view.setUint32(header('tc', 'offset'), data('.text') + 8, true),
	/^read ELF: section \d+ "(tc|\.text)" at \d+ overlaps section \d+ "(tc|\.text)" at \d+\.\.\d+$/,
);
test(
	refused,
	'a section on top of the header',
	field('license', 'offset', 60),
	/^read ELF: section \d+ "license" at 60 overlaps the ELF header at 0\.\.64$/,
);
test(
	refused,
	'a section with addends',
	field('.reltc', 'type', 4),
	/^read ELF: section \d+ "\.reltc" has relocations with addends: BPF has none$/,
	{section: '.reltc'},
);
test(
	refused,
	'a compressed section',
	field('.data', 'flags', 0x803),
	/^read ELF: section \d+ "\.data" is compressed: compile without -gz$/,
	{section: '.data'},
);
test(
	refused,
	'an odd alignment',
	field('.data', 'align', 3),
	/^read ELF: section \d+ "\.data" has alignment 3, no power of two$/,
);
test(
	refused,
	'an unused section with bytes',
	field('license', 'type', 0),
	/^read ELF: section \d+ "license" is unused but has 13 bytes$/,
);
test(
	refused,
	'a first section that is used',
	({view}) => view.setUint32(Number(view.getBigUint64(40, true)) + 4, 1, true),
	/^read ELF: section 0 "" has type 1, not 0$/,
);
test(
	refused,
	'a second symbol table',
	field('license', 'type', 2),
	/^read ELF: section \d+ "\.symtab" is a second symbol table$/,
);
test(
	refused,
	'a symbol table without names',
	field('.symtab', 'link', 0xfff0),
	/^read ELF: symbol table "\.symtab" has its names in section 65520 of none$/,
);
test(
	refused,
	'a symbol table with its names in code',
	field('.symtab', 'link', 2),
	/^read ELF: section 2 is used as string table but has type 1$/,
);
test(
	refused,
	'a symbol table of other entries',
	field('.symtab', 'entry', 16),
	/^read ELF: symbol table "\.symtab" has \d+ bytes in entries of 16, not of 24$/,
);
test(
	refused,
	'half a symbol',
	({view, header}) => {
		const at = header('.symtab', 'size');
		view.setUint32(at, view.getUint32(at, true) - 8, true);
	},
	/^read ELF: symbol table "\.symtab" has \d+ bytes in entries of 24, not of 24$/,
);
test(
	refused,
	'a symbol name outside its table',
	symbol(0, 100_000, 4),
	/^read ELF: name of symbol 2 is at 100000, outside string table \.strtab of \d+ bytes$/,
	{section: '.strtab'},
);
test(
	refused,
	'an unknown symbol type',
	symbol(4, 10, 1),
	/^read ELF: symbol 2 has type 10, which BPF has not$/,
	{section: '.symtab'},
);
test(
	refused,
	'an unknown symbol binding',
	symbol(4, 0xa3, 1),
	/^read ELF: symbol 2 has binding 10, which BPF has not$/,
);
test(
	refused,
	'a symbol in a missing section',
	symbol(6, 1000, 2),
	/^read ELF: symbol 2 is in section 1000 of \d+$/,
);
test(
	refused,
	'a symbol in a section told elsewhere',
	symbol(6, 0xffff, 2),
	/^read ELF: symbol 2 is in section 65535 of \d+$/,
);
test(
	refused,
	'a symbol behind its section',
	symbol(8, 100_000, 4),
	/^read ELF: symbol 2 at 100000\.\.100000 is outside section \d+ "\.text" of \d+ bytes$/,
);
test(
	refused,
	'a symbol that is too long',
	symbol(16, 100_000, 4),
	/^read ELF: symbol 2 at 0\.\.100000 is outside section \d+ "\.text" of \d+ bytes$/,
);
test(
	refused,
	'a symbol of 2^53 bytes',
	symbol(20, 0x200000, 4),
	/^read ELF: size of symbol 2 is 2\^53 or more$/,
);
test(
	refused,
	'relocations of other entries',
	field('.reltc', 'entry', 24),
	/^read ELF: relocation section "\.reltc" has \d+ bytes in entries of 24, not of 16$/,
);
test(
	refused,
	'relocations by another table',
	field('.reltc', 'link', 1),
	/^read ELF: relocation section "\.reltc" uses section 1, which is not the symbol table$/,
);
test(
	refused,
	'relocations of a missing section',
	field('.reltc', 'info', 1000),
	/^read ELF: relocation section "\.reltc" relocates section 1000, which has no relocatable bytes$/,
);
test(
	refused,
	'relocations of zero bytes',
	({view, header, elf}) =>
		view.setUint32(header('.reltc', 'info'), elf.section('.bss')?.index ?? 0, true),
	/^read ELF: relocation section "\.reltc" relocates section \d+, which has no relocatable bytes$/,
);
test(
	refused,
	'two relocation sections for one',
	field('.reltc', 'info', 2),
	/^read ELF: relocation section "\.reltc" relocates section 2 "\.text", as another one does$/,
);
test(
	refused,
	'a relocation outside its target',
	relocation(0, 100_000),
	/^read ELF: relocation 0 at 100000\.\.100008 is outside section "tc" of \d+ bytes$/,
	{section: '.reltc'},
);
test(
	refused,
	'a relocation of 2^53',
	relocation(4, 0x200000),
	/^read ELF: offset of relocation 0 is 2\^53 or more$/,
);
test(
	refused,
	'a relocation to a missing symbol',
	relocation(12, 100_000),
	/^read ELF: relocation 0 of "tc" names symbol 100000 of \d+$/,
);

test('a file shorter than a header is refused', t => {
	t.throws(() => parseElf(new Uint8Array(63)), {
		instanceOf: ElfError,
		message: 'read ELF: 63 bytes are less than an ELF header',
	});
});
