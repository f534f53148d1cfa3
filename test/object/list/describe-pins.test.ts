import {describePins} from '../../../src/object/list/describe-pins.js';
import {successorPath} from '../../../src/object/pin/successor.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'pins', since: '5.4'});

kernel('pins are told with name and type, and what an upgrade left over', async t => {
	const folder = await makeBpffs(t);
	const collection = await loadFixture(t, 'kernel/maps');
	const map = collection.map('a_hash');
	map.pin(`${folder}/maps/hash`);
	map.pin(successorPath(`${folder}/maps/hash`));
	collection.program('touch_maps').pin(`${folder}/program`);
	const pins = [...describePins(folder)].sort((a, b) => (a.path < b.path ? -1 : 1));
	const {id} = map.info;
	const common = {kind: 'map', id, name: 'a_hash', type: 'hash'} as const;
	t.deepEqual(pins, [
		{...common, path: `${folder}/maps/hash`},
		{
			...common,
			path: successorPath(`${folder}/maps/hash`),
			dead: 'left over by an upgrade',
		},
		{
			path: `${folder}/program`,
			kind: 'program',
			id: collection.program('touch_maps').info().id,
			name: 'touch_maps',
			type: 'xdp',
		},
	]);
});
