import {existsSync, mkdirSync, rmdirSync} from 'node:fs';

import {datapathDown, datapathStatus, datapathUp} from '../../src/datapath/datapath.js';
import {listLinks} from '../../src/object/link/list-links.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {makeCgroup} from '../helpers/cgroup.js';
import {kernelTest} from '../helpers/kernel.js';

const kernel = kernelTest({feature: 'programs of sock_release', since: '5.9'});
const sizes = {conntrackTcp: 1024, conntrackAny: 1024, socketReverseNat: 1024};

kernel('programs of sockets run on the cgroup that is named, and stay there', async t => {
	const root = `${await makeBpffs(t)}/skep`;
	const {path} = await makeCgroup(t);
	t.teardown(async () => datapathDown({root}));
	const {hooks} = await datapathUp({root, sizes, cgroup: path});
	t.is(hooks.length, 11);
	t.true(hooks.every(({where, how}) => where === path && how === 'created'));
	const before = datapathStatus({root}).hooks;
	t.is(before.length, 11);

	// Without the option what runs is replaced in place.
	await datapathUp({root, sizes});
	const after = datapathStatus({root});
	t.is(after.state, 'up');
	t.deepEqual(
		after.hooks.map(({where, kind, program, current}) => ({where, kind, program, current})),
		before.map(({program}) => ({where: path, kind: 'cgroup', program, current: true})),
	);
	t.notDeepEqual(after.hooks, before);

	await datapathUp({root, sizes, cgroup: false});
	t.deepEqual(datapathStatus({root}).hooks, []);
	t.is(datapathStatus({root}).state, 'up');
});

kernel('nothing is left on the cgroup when the datapath is down', async t => {
	const root = `${await makeBpffs(t)}/skep`;
	const {path} = await makeCgroup(t);
	await datapathUp({root, sizes, cgroup: path});
	const id = [...listLinks()].filter(({type}) => type === 'cgroup').length;
	await datapathDown({root});
	t.true([...listLinks()].filter(({type}) => type === 'cgroup').length <= id - 11);
	t.false(existsSync(root));
});

kernel('a cgroup that went does not keep the datapath from coming up', async t => {
	const root = `${await makeBpffs(t)}/skep`;
	const {path} = await makeCgroup(t);
	const inner = `${path}/inner`;
	t.teardown(async () => datapathDown({root}));
	mkdirSync(inner);
	await datapathUp({root, sizes, cgroup: inner});
	rmdirSync(inner);
	await datapathUp({root, sizes});
	t.true(datapathStatus({root}).hooks.every(({programId}) => programId === 0));
	await datapathUp({root, sizes, cgroup: path});
	t.true(datapathStatus({root}).hooks.every(({where, current}) => where === path && current));
});
