import test from 'ava';

import type {LayoutVersion} from '../../src/datapath/index.js';
import {countVersions} from '../../src/datapath/version-count.js';

const counted = test.macro({
	exec(t, maps: LayoutVersion[][], agreed: string, first: LayoutVersion) {
		const count = countVersions(maps);
		t.is([...count.agreed].join(' '), agreed);
		t.is(count.ranked[0], first);
	},
	title: title => title ?? '',
});

test(
	'what all maps may be of is agreed on',
	counted,
	[['1.15', '1.16'], ['1.16', '1.17'], []],
	'1.16',
	'1.16',
);
test(
	'where maps disagree most of them rank first',
	counted,
	[['1.15'], ['1.17'], ['1.17', '1.18']],
	'',
	'1.17',
);
test(
	'where nothing is known the newest ranks first',
	counted,
	[],
	'1.15 1.16 1.17 1.18 1.19',
	'1.19',
);
test('without maps that only skep has it is not skep', counted, [['1.19', 'skep']], '1.19', '1.19');
test('with them it is', counted, [['1.19', 'skep'], ['skep']], 'skep', 'skep');
