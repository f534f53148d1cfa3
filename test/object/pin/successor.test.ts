import {readdirSync} from 'node:fs';
import test from 'ava';
import type {MapSpec} from '../../../src/spec/types.js';
import {createMap} from '../../../src/object/map/create-map.js';
import {
	asidePath,
	inspectTemporary,
	movePin,
	ownerOfTemporary,
	removePin,
	successorPath,
	sweepTemporaries,
} from '../../../src/object/pin/successor.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'pinned maps', since: '4.13'});

const spec: MapSpec = {
	kind: 'map',
	name: 'waiting',
	type: 'array',
	keySize: 4,
	valueSize: 4,
	maxEntries: 1,
	flags: 0,
	extra: 0n,
	pinning: 'none',
	keyTypeId: 0,
	valueTypeId: 0,
};

const names = (folder: string): string[] =>
	readdirSync(folder).filter(name => !name.endsWith('.debug'));

kernel('temporary pins are removed once no process has them open', async t => {
	const folder = await makeBpffs(t);
	const path = `${folder}/map`;
	const map = createMap(spec);
	t.teardown(() => {
		map.close();
	});
	map.pin(successorPath(path));
	map.pin(asidePath(path, 7));
	map.pin(`${folder}/other__skep_x`);
	map.pin(`${folder}/other__skep_next`);
	t.like(inspectTemporary(successorPath(path)), {
		id: map.info.id,
		holders: [{pid: process.pid}],
		users: [],
	});
	sweepTemporaries(path);
	t.is(names(folder).length, 4);
	map.close();
	sweepTemporaries(path);
	t.deepEqual(names(folder).sort(), ['other__skep_next', 'other__skep_x']);
	t.is(inspectTemporary(successorPath(path)), undefined);
	removePin(successorPath(path));
	sweepTemporaries('/nowhere/at/all');
});

kernel('a pin moves onto another, which is gone then', async t => {
	const folder = await makeBpffs(t);
	using one = createMap(spec);
	using two = createMap(spec);
	one.pin(`${folder}/one`);
	two.pin(`${folder}/two`);
	movePin(`${folder}/two`, `${folder}/one`);
	t.deepEqual(names(folder), ['one']);
	t.like(inspectTemporary(`${folder}/one`), {id: two.info.id});
	t.throws(
		() => {
			movePin(`${folder}/two`, `${folder}/one`);
		},
		{code: 'ERR_PIN'},
	);
});

test('a temporary pin is told from others by its name', t => {
	t.is(ownerOfTemporary(successorPath('/sys/fs/bpf/a')), '/sys/fs/bpf/a');
	t.is(ownerOfTemporary('/sys/fs/bpf/a__skep_77'), '/sys/fs/bpf/a');
	t.is(ownerOfTemporary('/sys/fs/bpf/a__skep_x'), undefined);
});
