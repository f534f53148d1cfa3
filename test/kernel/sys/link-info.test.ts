import {closeSync, mkdirSync, openSync, rmdirSync, statSync} from 'node:fs';
import type {ExecutionContext} from 'ava';
import test from 'ava';
import {
	linkCreate,
	linkDetach,
	linkUpdate,
	rawTracepointOpen,
} from '../../../src/kernel/sys/link.js';
import {linkInfo, type LinkInfo} from '../../../src/kernel/sys/link-info.js';
import {programInfo} from '../../../src/kernel/sys/info.js';
import {programLoad, programQuery} from '../../../src/kernel/sys/program.js';
import {attachTypeNumber, type AttachType} from '../../../src/uapi/attach-types.js';
import {queryFlags} from '../../../src/uapi/flags.js';
import {programTypeNumber, type ProgramType} from '../../../src/uapi/program-types.js';
import {makeCgroup} from '../../helpers/cgroup.js';
import {kernelTest} from '../../helpers/kernel.js';
import {connect, makeNamespace} from '../../helpers/netns.js';
import {run} from '../../helpers/run.js';
import {addon} from '../../native/support.js';

const kernel = kernelTest({feature: 'tcx and raw tracepoint links', since: '6.6'});

/** `r0 = RESULT; exit`. */
function load(t: ExecutionContext, type: ProgramType, attachType?: AttachType, value = 1): number {
	const {result} = programLoad({
		type: programTypeNumber(type),
		instructions: Uint8Array.of(0xb7, 0, 0, 0, value, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0),
		license: 'GPL',
		name: 'skep_info',
		flags: 0,
		attachType: attachType === undefined ? 0 : attachTypeNumber(attachType),
		logLevel: 0,
	});
	if (result < 0) throw Object.assign(new Error(`load ${type}: ${result}`), {errno: -result});
	t.teardown(() => addon.closeFd(result));
	return result;
}

interface Made {
	readonly fd: number;
	readonly program: number;
	readonly expected: Partial<LinkInfo>;
	/** What bpftool says of the same link. */
	readonly shown: Readonly<Record<string, unknown>>;
}

function open(t: ExecutionContext, path: string): number {
	const fd = openSync(path, 'r');
	t.teardown(() => closeSync(fd));
	return fd;
}

async function device(t: ExecutionContext) {
	const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
	const [end] = await connect(left, right);
	return {netns: open(t, left.path), ifindex: end.index, path: left.path};
}

const makers: Record<string, (t: ExecutionContext) => Promise<Made>> = {
	async xdp(t) {
		const {netns, ifindex} = await device(t);
		const program = load(t, 'xdp', 'xdp');
		const attachType = attachTypeNumber('xdp');
		const fd = linkCreate({programFd: program, target: ifindex, attachType, flags: 2, netns});
		return {fd, program, expected: {attachType: 'xdp', ifindex}, shown: {}};
	},
	async tcx(t) {
		const {netns, ifindex} = await device(t);
		const program = load(t, 'sched_cls', 'tcx_egress');
		const attachType = attachTypeNumber('tcx_egress');
		const fd = linkCreate({programFd: program, target: ifindex, attachType, flags: 0, netns});
		const query = programQuery(ifindex, attachType, {netns, links: true});
		t.deepEqual(query.programIds, [programInfo(program).id]);
		t.deepEqual(query.linkIds, [linkInfo(fd).id]);
		t.true(query.revision > 1n);
		return {fd, program, expected: {attachType: 'tcx_egress', ifindex}, shown: {}};
	},
	async cgroup(t) {
		const {path} = await makeCgroup(t);
		const program = load(t, 'cgroup_skb', 'cgroup_inet_egress');
		const attachType = attachTypeNumber('cgroup_inet_egress');
		const target = open(t, path);
		const fd = linkCreate({programFd: program, target, attachType, flags: 0});
		t.deepEqual(programQuery(target, attachType).programIds, [programInfo(program).id]);
		const cgroupId = statSync(path, {bigint: true}).ino;
		const expected = {attachType: 'cgroup_inet_egress', cgroupId} as const;
		return {fd, program, expected, shown: {cgroup_id: Number(cgroupId)}};
	},
	async netns(t) {
		const {netns, path} = await device(t);
		const program = load(t, 'sk_lookup', 'sk_lookup');
		const attachType = attachTypeNumber('sk_lookup');
		const fd = linkCreate({programFd: program, target: netns, attachType, flags: 0});
		const netnsInode = statSync(path).ino;
		const expected = {attachType: 'sk_lookup', netnsInode} as const;
		return {fd, program, expected, shown: {netns_ino: netnsInode}};
	},
	async raw_tracepoint(t) {
		const program = load(t, 'raw_tracepoint', undefined, 0);
		const fd = rawTracepointOpen(program, 'cpuhp_enter');
		const expected = {targetName: 'cpuhp_enter'};
		return Promise.resolve({fd, program, expected, shown: {tp_name: 'cpuhp_enter'}});
	},
};

const tells = test.macro({
	async exec(t, type: string) {
		const {fd, program, expected, shown} = (await makers[type]?.(t)) ?? t.fail();
		t.teardown(() => addon.closeFd(fd));

		const info = linkInfo(fd);

		const {id} = info;
		t.like(info, {type, programId: programInfo(program).id, ...expected});
		t.true(id > 0);
		const [told] = [
			JSON.parse(await run('bpftool', '-j', 'link', 'show', 'id', String(id))) as Record<
				string,
				unknown
			>,
		];
		t.like(told, {id, prog_id: info.programId, ...shown});
	},
	title: (_, type) => `a ${type} link tells what bpftool tells`,
});

for (const type of Object.keys(makers)) kernel(tells, type);

kernel('a link changes its program and tells the new one', async t => {
	const {netns, ifindex} = await device(t);
	const [first, second] = [load(t, 'xdp', 'xdp', 1), load(t, 'xdp', 'xdp', 2)];
	const attachType = attachTypeNumber('xdp');
	const fd = linkCreate({programFd: first, target: ifindex, attachType, flags: 2, netns});
	t.teardown(() => addon.closeFd(fd));

	linkUpdate(fd, second, first);

	t.is(linkInfo(fd).programId, programInfo(second).id);
	t.throws(() => linkUpdate(fd, first, first), {code: 'ERR_SYSCALL'});
	t.is(linkInfo(fd).programId, programInfo(second).id);
});

kernel('a detached link has no interface and keeps its program', async t => {
	const {netns, ifindex} = await device(t);
	const program = load(t, 'xdp', 'xdp');
	const attachType = attachTypeNumber('xdp');
	const fd = linkCreate({programFd: program, target: ifindex, attachType, flags: 2, netns});
	t.teardown(() => addon.closeFd(fd));

	linkDetach(fd);

	t.like(linkInfo(fd), {ifindex: 0, programId: programInfo(program).id});
});

kernel('a query of more programs than were asked for at first gives all of them', async t => {
	const {path} = await makeCgroup(t);
	mkdirSync(`${path}/child`);
	t.teardown(() => {
		rmdirSync(`${path}/child`);
	});
	const attachType = attachTypeNumber('cgroup_inet_egress');
	// The kernel takes 64 to a hook; what runs in the child is its own and the parent's.
	const attach = (target: number, count: number): number[] =>
		Array.from({length: count}, () => {
			const program = load(t, 'cgroup_skb', 'cgroup_inet_egress');
			const fd = linkCreate({programFd: program, target, attachType, flags: 0});
			t.teardown(() => addon.closeFd(fd));
			return programInfo(program).id;
		});
	const [parent, child] = [open(t, path), open(t, `${path}/child`)];
	const inParent = attach(parent, 40);
	const inChild = attach(child, 50);

	t.deepEqual(programQuery(parent, attachType).programIds, inParent);
	const {programIds, attachFlags, linkIds} = programQuery(child, attachType);
	t.deepEqual(programIds, inChild);
	t.is(attachFlags & 2, 2);
	t.deepEqual(linkIds, []);
	const effective = programQuery(child, attachType, {flags: queryFlags.effective});
	t.deepEqual(effective.programIds, [...inChild, ...inParent]);
});
