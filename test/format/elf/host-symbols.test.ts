import {closeSync, openSync, readFileSync, readSync} from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {ElfError} from '../../../src/format/elf/elf-error.js';
import {functionOffset} from '../../../src/format/elf/host-symbols.js';

interface Symbol {
	readonly name: string;
	readonly value: bigint;
	readonly type?: number;
	readonly section?: number;
}

const text = {address: 0x1000n, offset: 0x200n, size: 0x100n};

/** A file of a text section, a symbol table and its names. */
function makeFile(symbols: readonly Symbol[], names?: string): Buffer {
	const strings = Buffer.from(names ?? `\0${symbols.map(({name}) => `${name}\0`).join('')}`);
	const table = Buffer.alloc(symbols.length * 24);
	for (const [index, {name, value, type = 2, section = 1}] of symbols.entries()) {
		const at = index * 24;
		table.writeUInt32LE(strings.indexOf(`${name}\0`), at);
		table[at + 4] = type;
		table.writeUInt16LE(section, at + 6);
		table.writeBigUInt64LE(value, at + 8);
	}

	const header = Buffer.alloc(0x300);
	header.write('\x7fELF\x02\x01\x01', 'latin1');
	header.writeBigUInt64LE(64n, 40);
	header.writeUInt16LE(64, 58);
	header.writeUInt16LE(4, 60);
	const section = (index: number, type: number, address: bigint, at: bigint, size: bigint) => {
		const start = 64 + index * 64;
		header.writeUInt32LE(type, start + 4);
		header.writeBigUInt64LE(address, start + 16);
		header.writeBigUInt64LE(at, start + 24);
		header.writeBigUInt64LE(size, start + 32);
		header.writeUInt32LE(3, start + 40);
	};
	const tableAt = BigInt(header.length);
	section(1, 1, text.address, text.offset, text.size);
	section(2, 2, 0n, tableAt, BigInt(table.length));
	section(3, 3, 0n, tableAt + BigInt(table.length), BigInt(strings.length));
	return Buffer.concat([header, table, strings]);
}

const find = (file: Buffer, name: string): number | undefined =>
	functionOffset((offset, length) => file.subarray(offset, offset + length), name);

test('a function is where its section stands in the file', t => {
	const file = makeFile([{name: 'work', value: 0x1010n}]);
	t.is(find(file, 'work'), 0x210);
	t.is(find(file, 'wor'), undefined);
});

test('a name that is the end of another is found', t => {
	const names = '\0do_work\0';
	const file = makeFile([{name: 'work', value: 0x1020n}], names);
	t.is(find(file, 'work'), 0x220);
	t.is(find(file, 'do_work'), undefined);
});

test('data, what is elsewhere and what lies outside its section are no functions', t => {
	for (const symbol of [
		{name: 'work', value: 0x1010n, type: 1},
		{name: 'work', value: 0n, section: 0},
		{name: 'work', value: 0x1100n},
		{name: 'work', value: 0xfffn},
		{name: 'work', value: 0x1010n, section: 0xff_f1},
	])
		t.is(find(makeFile([symbol]), 'work'), undefined, String(symbol.value));
});

test('two functions of one name are refused, one that is listed twice is not', t => {
	const one = {name: 'work', value: 0x1010n};
	t.is(find(makeFile([one, one]), 'work'), 0x210);
	t.throws(() => find(makeFile([one, {...one, value: 0x1020n}]), 'work'), {
		code: 'ERR_ELF',
		message: /2 functions have the name "work"$/,
	});
});

test('whatever a file says, the answer is a function or ERR_ELF', t => {
	const good = makeFile([{name: 'work', value: 0x1010n}]);
	const mutation = fc.tuple(fc.nat(good.length - 1), fc.integer({min: 0, max: 255}));
	fc.assert(
		fc.property(
			fc.array(mutation, {minLength: 1, maxLength: 6}),
			fc.nat(good.length),
			(changes, end) => {
				const file = Buffer.from(good);
				for (const [at, byte] of changes) file[at] = byte;
				try {
					const offset = find(file.subarray(0, good.length - (end % 3) * 7), 'work');
					return offset === undefined || offset >= 0;
				} catch (error) {
					return error instanceof ElfError;
				}
			},
		),
		{numRuns: 500},
	);
	t.pass();
});

test('a function of this very executable is found', t => {
	const fd = openSync(process.execPath, 'r');
	t.teardown(() => {
		closeSync(fd);
	});
	const readAt = (offset: number, length: number): Uint8Array => {
		const bytes = Buffer.alloc(length);
		return bytes.subarray(0, readSync(fd, bytes, 0, length, offset));
	};
	const offset = functionOffset(readAt, 'napi_create_double') ?? 0;
	t.true(offset > 0);
	t.is(readFileSync(process.execPath).subarray(0, 4).toString('latin1'), '\x7fELF');
});
