import {listExclusions, replaceExclusions} from '../../../src/datapath/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {fillNat} from './filled-nat.js';

const kernel = kernelTest({feature: 'LPM tries', since: '4.11'});

kernel('prefixes that are excluded are those that were said last', async t => {
	const {maps} = await fillNat(t);
	t.deepEqual(listExclusions(maps), []);
	replaceExclusions(maps, ['10.1.2.3/8', 'fd00::1/16', '192.0.2.1', '::/0']);
	t.deepEqual(listExclusions(maps).sort(), ['10.0.0.0/8', '192.0.2.1/32', '::/0', 'fd00::/16']);
	replaceExclusions(maps, ['10.0.0.0/8', '10.0.0.0/9']);
	t.deepEqual(listExclusions(maps).sort(), ['10.0.0.0/8', '10.0.0.0/9']);
	t.throws(
		() => {
			replaceExclusions(maps, ['10.0.0.0/10', 'nowhere']);
		},
		{code: 'ERR_ADDRESS'},
	);
	t.deepEqual(listExclusions(maps).sort(), ['10.0.0.0/8', '10.0.0.0/9']);
	replaceExclusions(maps, []);
	t.deepEqual(listExclusions(maps), []);
});
