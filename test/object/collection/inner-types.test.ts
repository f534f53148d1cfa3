import {loadFixture} from '../../helpers/load.js';
import {kernelTest} from '../../helpers/kernel.js';
import {createMap} from '../../../src/object/map/create-map.js';

const kernel = kernelTest({feature: 'locks in values', since: '5.10'});

kernel('the kernel knows the types of inner maps', async t => {
	const {maps, programs} = await loadFixture(t, 'kernel/inner_lock');
	const first = maps['first'];
	if (first === undefined) return t.fail();
	first.set(0, {lock: {val: 0}, count: 4});
	t.is(programs['count_locked']?.run().verdict, 'pass');
	t.like(first.get(0), {count: 5});
});

kernel('maps that the kernel knows no such types of are no inner maps', async t => {
	const {maps} = await loadFixture(t, 'kernel/inner_lock');
	using plain = createMap({type: 'hash', name: 'plain', keySize: 4, valueSize: 8, maxEntries: 8});
	t.throws(() => maps['counters']?.set(0, plain));
});
