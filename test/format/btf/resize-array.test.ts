import test from 'ava';
import {BtfError} from '../../../src/format/btf/btf-error.js';
import {resizeArray} from '../../../src/format/btf/resize-array.js';
import {Types} from './types.js';

for (const littleEndian of [true, false]) {
	test(`an array gets another length, all else stays (${littleEndian ? 'little' : 'big'}-endian)`, t => {
		const types = new Types({littleEndian});
		const {u16, u32} = types;
		const array = types.array(u16, 2);
		const first = types.add({kind: 'var', name: 'first', typeId: u32, linkage: 'global'});
		const last = types.add({kind: 'var', name: 'last', typeId: array, linkage: 'static'});
		const section = types.add({
			kind: 'datasec',
			name: '.data',
			size: 8,
			variables: [
				{typeId: first, offset: 0, size: 4},
				{typeId: last, offset: 4, size: 4},
			],
		});
		const before = types.parse();
		const {btf, arrayId} = resizeArray(before, section, 4, 5, 14);
		t.is(arrayId, before.typeCount);
		t.like(btf.type(arrayId), {kind: 'array', elementTypeId: u16, indexTypeId: u32, length: 5});
		t.like(btf.type(last), {kind: 'var', typeId: arrayId, linkage: 'static'});
		t.like(btf.type(section), {
			size: 14,
			variables: [
				{typeId: first, offset: 0, size: 4},
				{typeId: last, offset: 4, size: 10},
			],
		});
		for (let id = 1; id < before.typeCount; id++) {
			if (id !== last && id !== section) t.deepEqual(btf.type(id), before.type(id));
		}

		t.is(btf.stringEnd, before.stringEnd);
		t.throws(() => resizeArray(before, section, 0, 5, 14), {instanceOf: BtfError});
		t.throws(() => resizeArray(before, first, 0, 5, 14), {instanceOf: BtfError});
	});
}
