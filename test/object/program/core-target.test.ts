import test from 'ava';
import {BtfError} from '../../../src/format/btf/btf-error.js';
import type {Btf} from '../../../src/format/btf/btf.js';
import {readModules} from '../../../src/object/program/core-target.js';
import {Types} from '../../format/btf/types.js';

test('modules whose types are damaged are passed over', t => {
	const types = new Types().parse();
	const read = (name: string): Btf => {
		if (name === 'damaged') throw new BtfError('damaged');
		return types;
	};
	t.deepEqual(
		[...readModules(['a', 'damaged', 'b'], read)],
		[
			{name: 'a', types},
			{name: 'b', types},
		],
	);
	t.notThrows(() => [...readModules()]);
});
