import test from 'ava';
import {Btf} from '../../../src/format/btf/btf.js';
import {Types} from './types.js';

test('types are found by name and kind, without those whose name only ends alike', t => {
	const types = new Types();
	const alias = types.typedef('flow', types.u32);
	const flow = types.struct('flow', 4, [['a', types.u32, 0]]);
	types.struct('overflow', 4, []);
	const btf = types.parse();
	t.is(btf.find('flow')?.id, alias);
	t.is(btf.find('flow', 'struct')?.size, 4);
	t.is(btf.find('flow', 'struct')?.id, flow);
	t.is(btf.find('flow', 'union'), undefined);
	t.is(btf.find('flo'), undefined);
	t.is(btf.find(''), undefined);
	t.is(btf.find('a'), undefined);
	t.deepEqual(btf.findAll('flow'), [alias, flow]);
});

test('a name may be the end of another string', t => {
	const types = new Types();
	types.typedef('overflow', types.u32);
	const id = types.typedef('flow', types.u32);
	const bytes = types.builder.build();
	const full = Btf.parse(bytes);
	const view = new DataView(bytes.buffer);
	const inner = Buffer.from(bytes).indexOf('overflow') + 4;
	const stringStart = 24 + view.getUint32(16, full.littleEndian);
	// Each of the two typedefs is the last record of three words but one, and the last.
	view.setUint32(stringStart - 12, inner - stringStart, full.littleEndian);
	t.deepEqual(Btf.parse(bytes).findAll('flow'), [id]);
});

test('a name is found where it is a string of its own, or else at the end of another', t => {
	const types = new Types();
	const [over, under] = [types.typedef('overflow', types.u32), types.typedef('x', types.u32)];
	const own = types.typedef('flow', types.u16);
	const bytes = types.builder.build();
	t.is(Btf.parse(bytes).find('flow')?.id, own);
	t.is(Btf.parse(bytes).find('low'), undefined);
	// The name of the second typedef becomes the end of the first one's: a linker may do so.
	const {littleEndian} = Btf.parse(bytes);
	const view = new DataView(bytes.buffer);
	const record = 24 + view.getUint32(12, littleEndian) - 3 * 12;
	const name = view.getUint32(record, littleEndian);
	view.setUint32(record + 12, name + 4, littleEndian);
	view.setUint32(record + 24, name + 5, littleEndian);
	const shared = Btf.parse(bytes);
	t.is(shared.type(over).name, 'overflow');
	t.is(shared.find('flow')?.id, under);
	t.is(shared.find('low', 'typedef')?.id, own);
	t.is(shared.find('flow', 'struct'), undefined);
});

test('types of several names are found at once, their flavours among them', t => {
	const types = new Types();
	const flow = types.struct('flow', 4, []);
	const flavour = types.struct('flow___old', 4, []);
	const other = types.typedef('other', types.u32);
	types.struct('overflow', 4, []);
	types.struct('flow_', 4, []);
	types.struct('other__x', 4, []);
	const btf = types.parse();
	t.deepEqual(
		[...btf.findFlavours(['flow', 'other', 'none'])],
		[
			['flow', [flow, flavour]],
			['other', [other]],
			['none', []],
		],
	);
	t.deepEqual([...btf.findFlavours([])], []);

	const more = new Types({base: btf});
	const split = more.typedef('flow', more.u8);
	t.deepEqual(more.parseOn(btf).findFlavours(['flow']).get('flow'), [split]);
});
