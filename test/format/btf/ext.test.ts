import {readFile} from 'node:fs/promises';
import test from 'ava';
import {Btf} from '../../../src/format/btf/btf.js';
import {BtfError} from '../../../src/format/btf/btf-error.js';
import {lineWords, parseBtfExt} from '../../../src/format/btf/ext.js';
import {fixtureObject} from '../../helpers/compile.js';
import {section, Types} from './types.js';

test('functions and lines of a compiled object are those of its source', async t => {
	const btf = Btf.parse(await section('.BTF'));
	const sections = parseBtfExt(await section('.BTF.ext'), btf);
	t.deepEqual([...sections.keys()].sort(), ['.text', 'socket']);
	const names = [...sections].map(([name, {functions}]) => {
		return [name, functions.map(({slot, typeId}) => [slot, btf.type(typeId).name])];
	});
	t.deepEqual(Object.fromEntries(names), {'.text': [[0, 'other']], socket: [[0, 'program']]});
	const source = await readFile(
		new URL('../../../../test/fixtures/btf/types.bpf.c', import.meta.url),
	);
	const text = source.toString().split('\n');
	const lines = [...sections.values()].flatMap(each => [...each.lines]);
	t.true(lines.length >= 4 * lineWords);
	for (let at = 0; at < lines.length; at += lineWords) {
		const [, , textOffset = 0, lineColumn = 0] = lines.slice(at);
		t.is(btf.string(textOffset), text[(lineColumn >>> 10) - 1] ?? '');
	}
});

test('CO-RE relocations are recorded', async t => {
	const btf = Btf.parse(await section('.BTF', 'btf/relocations'));
	const sections = parseBtfExt(await section('.BTF.ext', 'btf/relocations'), btf);
	const found = sections.get('tc')?.relocations.map(({slot, typeId, accessOffset, kind}) => ({
		slot: typeof slot,
		type: btf.type(typeId).name,
		access: btf.string(accessOffset),
		kind,
	}));
	t.deepEqual(found, [
		{slot: 'number', type: '__sk_buff_like', access: '0:1', kind: 0},
		{slot: 'number', type: '__sk_buff_like', access: '0:2:1', kind: 0},
		{slot: 'number', type: '__sk_buff_like', access: '0:0', kind: 2},
	]);
	await t.notThrowsAsync(fixtureObject('btf/relocations'));
});

interface Part {
	readonly size: number;
	readonly sections: readonly {
		readonly name: number;
		readonly count?: number;
		readonly records: readonly (readonly number[])[];
	}[];
}

/** `.BTF.ext` of words, in little endian. */
function extOf(parts: readonly Part[], header = 24 + (parts.length > 2 ? 8 : 0)): Uint8Array {
	const places: number[] = [];
	const body: number[] = [];
	for (const {size, sections} of parts) {
		const start = body.length;
		body.push(size);
		for (const {name, count, records} of sections) {
			body.push(name, count ?? records.length, ...records.flat());
		}

		places.push(start * 4, (body.length - start) * 4);
	}

	while (places.length < 4) places.push(0, 0);
	const words = [0x1_eb9f, header, ...places];
	while (words.length < header / 4) words.push(0);
	return new Uint8Array(Uint32Array.from([...words, ...body]).buffer);
}

function typesWithFunction(): {btf: Btf; func: number} {
	const types = new Types({littleEndian: true});
	const prototype = types.add({kind: 'func_proto', name: '', returnTypeId: 0, parameters: []});
	const func = types.add({kind: 'func', name: 'f', typeId: prototype, linkage: 'global'});
	return {btf: types.parse(), func};
}

test('records longer than known are read as far as they are known', t => {
	const {btf, func} = typesWithFunction();
	const bytes = extOf([
		{
			size: 12,
			sections: [
				{
					name: 1,
					records: [
						[8, func, 77],
						[16, func, 78],
					],
				},
			],
		},
		{size: 20, sections: [{name: 1, records: [[24, 0, 1, 5 << 10, 79]]}]},
	]);
	t.deepEqual(Object.fromEntries(parseBtfExt(bytes, btf)), {
		u8: {
			functions: [
				{slot: 1, typeId: func},
				{slot: 2, typeId: func},
			],
			lines: Uint32Array.of(3, 0, 1, 5 << 10),
			relocations: [],
		},
	});
});

const refused = test.macro({
	exec(t, make: (func: number) => Uint8Array, message: string) {
		const {btf, func} = typesWithFunction();
		t.throws(() => parseBtfExt(make(func), btf), {
			instanceOf: BtfError,
			message: `read btf: ${message}`,
		});
	},
	title: (_, __, message: string) => `refused: ${message}`,
});

const one = (records: readonly (readonly number[])[], size = 8, count?: number): Uint8Array =>
	extOf([{size, sections: [{name: 1, records, ...(count !== undefined && {count})}]}]);

test(refused, () => new Uint8Array(23), '.BTF.ext of 23 bytes holds no header');
test(
	refused,
	() => new Uint8Array(24),
	'.BTF.ext does not begin with the magic number of its .BTF',
);
test(refused, () => extOf([], 20), 'a .BTF.ext header of 20 bytes is not possible');
test(
	refused,
	func => one([[8, func]], 4),
	'functions of .BTF.ext: records of 4 bytes are not possible',
);
test(refused, func => one([[8, func]], 8, 2), 'functions of .BTF.ext: section "u8" is cut off');
test(refused, () => one([]), 'functions of .BTF.ext: section "u8" has no records');
test(refused, func => one([[4, func]]), 'functions of .BTF.ext: byte 4 is inside an instruction');
test(refused, () => one([[8, 1]]), 'functions of .BTF.ext: type 1 is not a function');
test(
	refused,
	() => one([[8, 99]]).slice(0, -4),
	'functions of .BTF.ext: they reach beyond the end',
);
test(
	refused,
	() =>
		extOf([
			{size: 8, sections: []},
			{size: 16, sections: [{name: 1, records: [[0, 0, 500, 0]]}]},
		]),
	'lines of .BTF.ext: there is no string at 500',
);
test(
	refused,
	() =>
		extOf([
			{size: 8, sections: []},
			{size: 16, sections: []},
			{size: 16, sections: [{name: 1, records: [[0, 50, 0, 0]]}]},
		]),
	'relocations of .BTF.ext: there is no type 50',
);

test('ten thousand lines are read in the time of a blink', t => {
	const {btf} = typesWithFunction();
	const records = Array.from({length: 10_000}, (_, i) => [i * 8, 0, 1, i << 10]);
	const bytes = extOf([
		{size: 8, sections: []},
		{size: 16, sections: [{name: 1, records}]},
	]);
	const times = Array.from({length: 10}, () => {
		const start = performance.now();
		t.is(parseBtfExt(bytes, btf).get('u8')?.lines.length, 10_000 * lineWords);
		return performance.now() - start;
	});
	t.log(`${Math.min(...times).toFixed(2)} ms, the first time ${times[0]?.toFixed(2)} ms`);
	t.true(Math.min(...times) < 20);
});
