import {mkdirSync, rmdirSync} from 'node:fs';
import {attachCgroup} from '../../../src/object/link/attach-cgroup.js';
import {LinkError} from '../../../src/object/link/link-error.js';
import {queryCgroup} from '../../../src/object/net/query.js';
import {makeCgroup} from '../../helpers/cgroup.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'cgroup links', since: '5.7'});
const ordered = kernelTest({feature: 'order among cgroup programs', since: '6.17'});

kernel('a cgroup below one that is held exclusively names the owner', async t => {
	const cgroup = await makeCgroup(t);
	const below = `${cgroup.path}/below`;
	mkdirSync(below);
	t.teardown(() => {
		rmdirSync(below);
	});
	const collection = await loadFixture(t, 'kernel/cgroup');
	const [owner, other] = [collection.program('connect4'), await loadFixture(t, 'kernel/cgroup')];
	using held = attachCgroup(owner, cgroup.path, {
		mechanism: 'prog_attach',
		sharing: 'exclusive',
	});
	t.is(held.mechanism, 'prog_attach');
	for (const mechanism of ['link', 'prog_attach'] as const) {
		const error = t.throws(() => attachCgroup(other.program('connect4'), below, {mechanism}), {
			instanceOf: LinkError,
		});
		t.is(error.errno, 1);
		t.is(error.owner?.programId, owner.info().id);
		t.regex(error.message, /for itself alone: program \d+ "connect4" .* without a link/);
	}
});

kernel('a link is not exclusive, and who asks for that is told how', async t => {
	const cgroup = await makeCgroup(t);
	const program = (await loadFixture(t, 'kernel/cgroup')).program('connect4');
	t.throws(() => attachCgroup(program, cgroup.path, {sharing: 'exclusive'}), {
		code: 'ERR_USAGE',
		message: /'exclusive' needs mechanism 'prog_attach'$/,
	});
});

kernel('what a cgroup refuses for another reason is no reason to fall back', async t => {
	const cgroup = await makeCgroup(t);
	const program = (await loadFixture(t, 'kernel/cgroup')).program('connect4');
	t.throws(() => attachCgroup(program, cgroup.path, {attachType: 'cgroup_inet_egress'}), {
		code: 'ERR_LINK',
		message: /the kernel runs no program of type cgroup_sock_addr there$/,
	});
	t.deepEqual(queryCgroup(cgroup.path, 'cgroup_inet_egress').programs, []);
});

ordered('a cgroup that changed meanwhile refuses an expected revision', async t => {
	const {path} = await makeCgroup(t);
	const [one, two] = [
		(await loadFixture(t, 'kernel/cgroup')).program('connect4'),
		(await loadFixture(t, 'kernel/cgroup')).program('connect4'),
	];
	const {revision} = queryCgroup(path, 'cgroup_inet4_connect');
	const options = {expectedRevision: revision};
	using link = attachCgroup(one, path, options);
	t.is(link.mechanism, 'link');
	t.throws(() => attachCgroup(two, path, options), {
		message: /the hook was changed since its revision was read$/,
	});
});
