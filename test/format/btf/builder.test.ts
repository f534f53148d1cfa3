import {execFile} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {Btf} from '../../../src/format/btf/btf.js';
import {BtfError} from '../../../src/format/btf/btf-error.js';
import {BtfBuilder, builderOf, type NewBtfType} from '../../../src/format/btf/builder.js';
import {parseElf} from '../../../src/format/elf/elf.js';
import {corpus} from '../../spec/corpus.js';
import {section, Types} from './types.js';

function typesOf(btf: Btf): unknown[] {
	return Array.from({length: btf.typeCount}, (_, id) => btf.type(id));
}

test('the types of every object are the same after they are written anew', async t => {
	let compared = 0;
	for (const {name, bytes} of await corpus()) {
		const data = parseElf(bytes).section('.BTF')?.data;
		if (data === undefined) continue;
		const btf = Btf.parse(data);
		const again = Btf.parse(builderOf(btf).build());
		t.deepEqual(typesOf(again), typesOf(btf), name);
		t.is(again.littleEndian, btf.littleEndian);
		compared++;
	}

	t.true(compared > 5);
});

const vmlinux = '/sys/kernel/btf/vmlinux';
(existsSync(vmlinux) ? test : test.skip)(
	'the types of a kernel are the same after they are written anew',
	t => {
		const btf = Btf.parse(readFileSync(vmlinux));
		const again = Btf.parse(builderOf(btf).build());
		t.is(again.typeCount, btf.typeCount);
		for (let id = 0; id < btf.typeCount; id++) {
			// A comparison of its own: t.deepEqual takes a minute for them all.
			if (text(again.type(id)) !== text(btf.type(id)))
				t.deepEqual(again.type(id), btf.type(id));
		}
	},
);

function text(type: unknown): string {
	return JSON.stringify(type, (_, value: unknown) =>
		typeof value === 'bigint' ? `${value}n` : value,
	);
}

test('equal strings are stored once', t => {
	const builder = new BtfBuilder();
	for (let i = 0; i < 10; i++) builder.add({kind: 'typedef', name: 'same', typeId: 0});
	t.is(Buffer.from(builder.build()).toString('latin1').split('same').length, 2);
});

test('65535 members are written', t => {
	const types = new Types();
	const members = Array.from({length: 0xffff}, (_, i) => [`m${i}`, types.u8, i] as const);
	const id = types.struct('large', 0xffff, members);
	const large = types.parse().type(id);
	t.is(large.kind === 'struct' && large.members.at(-1)?.bitOffset, 0xfffe * 8);
	t.throws(() => types.struct('larger', 0xffff + 1, [...members, ['more', types.u8, 0xffff]]), {
		message: `read btf type ${id + 1}: 65536 parts are too many`,
	});
});

const refused = test.macro({
	exec(t, type: NewBtfType, message: string) {
		t.throws(() => new BtfBuilder().add(type), {
			instanceOf: BtfError,
			message: `read btf type 1: ${message}`,
		});
	},
	title: (_, __, message: string) => `refused: ${message}`,
});

const member = {name: 'a', typeId: 0, bitOffset: 0, bitfieldSize: 1};
const wide = {kind: 'enum64', name: 'e', size: 8} as const;
test(refused, {kind: 'typedef', name: 'a\0b', typeId: 0}, 'a name cannot hold NUL');
test(refused, {kind: 'typedef', name: 'a', typeId: -1}, '-1 is no number of 32 bits');
test(refused, {kind: 'float', name: 'a', size: 2 ** 32}, '4294967296 is no number of 32 bits');
test(
	refused,
	{kind: 'struct', name: 's', size: 1, members: [{...member, bitOffset: 2 ** 24}]},
	'bit 16777216 of a struct with bit-fields is too far',
);
test(
	refused,
	{
		kind: 'int',
		name: 'i',
		size: 1,
		bits: 9,
		bitOffset: 0,
		signed: false,
		char: false,
		bool: false,
	},
	'9 bits at 0 do not fit 1 bytes',
);
test(
	refused,
	{kind: 'enum', name: 'e', size: 4, signed: false, values: [{name: 'A', value: -1}]},
	'-1 is no value of an enum',
);
test(
	refused,
	{...wide, signed: true, values: [{name: 'A', value: 2n ** 63n}]},
	'9223372036854775808 is no value of an enum64',
);

const bpftool = process.env['PATH']?.split(':').some(folder => existsSync(join(folder, 'bpftool')));
(bpftool === true ? test : test.skip)(
	'another reader finds the same in what is written',
	async t => {
		const folder = await mkdtemp(join(tmpdir(), 'skep-btf-'));
		t.teardown(async () => rm(folder, {recursive: true}));
		const original = await section('.BTF');
		const dumps = [];
		for (const [name, bytes] of [
			['original', original],
			['again', builderOf(Btf.parse(original)).build()],
		] as const) {
			const path = join(folder, name);
			await writeFile(path, bytes);
			t.is((await readFile(path)).length, bytes.length);
			const {stdout} = await promisify(execFile)('bpftool', ['btf', 'dump', 'file', path]);
			dumps.push(stdout);
		}

		t.true((dumps[0]?.length ?? 0) > 1000);
		t.is(dumps[1], dumps[0]);
	},
);
