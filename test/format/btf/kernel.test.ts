import {Btf} from '../../../src/format/btf/btf.js';
import {builderOf, type NewBtfType} from '../../../src/format/btf/builder.js';
import {btfBytes} from '../../../src/kernel/sys/info.js';
import {BtfLoadError, loadBtf} from '../../../src/object/btf/btf-object.js';
import {kernelTest} from '../../helpers/kernel.js';
import {Types} from './types.js';

const test = kernelTest({feature: 'BTF with 64-bit enumerators', since: '6.0'});

/** One type of every kind, in such a way that each may follow `Types`. */
function everyKind(types: Types): void {
	const first = types.builder.nextId;
	const at = (offset: number): number => first + offset;
	const member = {typeId: types.u32, bitOffset: 0, bitfieldSize: 0};
	const list: readonly NewBtfType[] = [
		{kind: 'ptr', name: '', typeId: at(8)},
		{kind: 'array', name: '', elementTypeId: types.u16, indexTypeId: types.u32, length: 3},
		{
			kind: 'struct',
			name: 'bits',
			size: 8,
			members: [
				{...member, name: 'a', bitfieldSize: 3},
				{...member, name: 'b', bitOffset: 3, bitfieldSize: 29},
				{...member, name: 'c', bitOffset: 32},
			],
		},
		{kind: 'union', name: 'either', size: 4, members: [{...member, name: 'a'}]},
		{kind: 'enum', name: 'sign', size: 4, signed: true, values: [{name: 'M', value: -2}]},
		{kind: 'fwd', name: 'unknown', forwardKind: 'struct'},
		{kind: 'typedef', name: 'alias', typeId: types.u32},
		{kind: 'volatile', name: '', typeId: types.u32},
		{kind: 'const', name: '', typeId: at(7)},
		{kind: 'restrict', name: '', typeId: at(0)},
		{kind: 'func', name: 'run', typeId: at(11), linkage: 'global'},
		{
			kind: 'func_proto',
			name: '',
			returnTypeId: types.u32,
			parameters: [{name: 'first', typeId: at(0)}],
		},
		{kind: 'var', name: 'count', typeId: types.u32, linkage: 'global'},
		{
			kind: 'datasec',
			name: '.data',
			size: 8,
			variables: [{typeId: at(12), offset: 4, size: 4}],
		},
		{kind: 'float', name: 'double', size: 8},
		{kind: 'decl_tag', name: 'user', typeId: at(2), componentIndex: 1},
		{kind: 'type_tag', name: 'percpu', typeId: at(2)},
		{
			kind: 'enum64',
			name: 'wide',
			size: 8,
			signed: true,
			values: [{name: 'LOW', value: -(2n ** 63n)}],
		},
	];
	for (const type of list) types.add(type);
}

test('the kernel takes every kind that is built, and gives it back', t => {
	const types = new Types();
	everyKind(types);
	const built = types.parse();
	const fd = loadBtf(built, 'test');
	t.teardown(() => fd.close());
	const kept = Btf.parse(btfBytes(fd.number));
	t.is(kept.typeCount, built.typeCount);
	for (let id = 0; id < built.typeCount; id++) t.deepEqual(kept.type(id), built.type(id));
	const again = loadBtf(Btf.parse(builderOf(kept).build()), 'test');
	t.teardown(() => again.close());
});

test('what the kernel says of types that it refuses is in the error', t => {
	const types = new Types();
	types.struct('no-name', 4, [['a', types.u32, 0]]);
	const error = t.throws(() => loadBtf(types.parse(), 'test'), {instanceOf: BtfLoadError});
	t.is(error.code, 'ERR_BTF_LOAD');
	t.regex(error.log, /Invalid name/);
});
