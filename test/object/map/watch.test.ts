import {createMap, type MapDescription} from '../../../src/object/map/create-map.js';
import {watchMap, type MapChange} from '../../../src/object/map/watch.js';
import {kernelTest} from '../../helpers/kernel.js';
import {until} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'maps', since: '4.13'});

const spec: MapDescription = {
	name: 'watched',
	type: 'hash',
	keySize: 4,
	valueSize: 4,
	maxEntries: 4,
};
const bytes = (n: number): Uint8Array => new Uint8Array(Uint32Array.of(n).buffer);

kernel('a watch tells what is added, changed and deleted, and ends on a signal', async t => {
	using map = createMap<Uint8Array, Uint8Array>(spec);
	map.set(bytes(1), bytes(1));
	const stop = new AbortController();
	const changes: MapChange<Uint8Array, Uint8Array>[] = [];
	for await (const change of watchMap(map, {interval: 1, initial: true, signal: stop.signal})) {
		changes.push(change);
		if (changes.length === 1) map.set(bytes(2), bytes(2));
		else if (change.kind === 'added') map.set(bytes(2), bytes(7));
		else if (change.kind === 'changed') map.delete(bytes(2));
		else stop.abort();
	}

	t.deepEqual(changes, [
		{kind: 'added', key: bytes(1), value: bytes(1)},
		{kind: 'added', key: bytes(2), value: bytes(2)},
		{kind: 'changed', key: bytes(2), value: bytes(7), before: bytes(2)},
		{kind: 'deleted', key: bytes(2), value: bytes(7)},
	]);
});

kernel('a watch says nothing of what was there before, unless it is told to', async t => {
	using map = createMap<Uint8Array, Uint8Array>(spec);
	map.set(bytes(1), bytes(1));
	const stop = new AbortController();
	const kinds = new Set<string>();
	const watching = (async () => {
		for await (const {kind} of watchMap(map, {interval: 1, signal: stop.signal}))
			kinds.add(kind);
	})();
	let value = 1;
	await until('a change is seen', () => {
		map.set(bytes(1), bytes(++value));
		return kinds.size > 0;
	});
	stop.abort();
	await watching;
	t.deepEqual([...kinds], ['changed']);
});

kernel('a map that cannot be listed cannot be watched', async t => {
	using map = createMap({...spec, type: 'queue', keySize: 0});
	await t.throwsAsync(watchMap(map).next(), {message: /cannot list a map of type queue$/});
});
