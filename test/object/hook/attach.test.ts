import {fork, spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readdirSync, readlinkSync} from 'node:fs';
import {setImmediate} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {getDevice} from '../../../src/kernel/netlink/device.js';
import {listFilters} from '../../../src/kernel/netlink/tc.js';
import {attach, type AttachTarget} from '../../../src/object/hook/attach.js';
import {attachCgroup} from '../../../src/object/link/attach-cgroup.js';
import {attachTcx} from '../../../src/object/link/attach-tcx.js';
import {attachXdp} from '../../../src/object/link/attach-xdp.js';
import {HookAttachment} from '../../../src/object/link/hook-attachment.js';
import {LinkError} from '../../../src/object/link/link-error.js';
import {openPinnedLink} from '../../../src/object/link/link.js';
import {queryCgroup, queryTcx} from '../../../src/object/net/query.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {readObject} from '../../../src/spec/read.js';
import type {Program} from '../../../src/object/program/program.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {makeCgroup} from '../../helpers/cgroup.js';
import {fixtureObject} from '../../helpers/compile.js';
import {makeDevice, type Device} from '../../helpers/device.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {start} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'tcx links', since: '6.6'});
const alone = kernelTest({feature: 'filters of clsact', since: '4.5', serial: true});

/** How many descriptors of programs this process has. */
function openPrograms(): number {
	return readdirSync('/proc/self/fd').filter(fd => {
		try {
			return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:bpf-prog';
		} catch {
			return false;
		}
	}).length;
}

alone('what is taken over without a link leaves no program open', async t => {
	const {name, namespace} = await makeDevice(t);
	const netns = namespace.path;
	const collection = await loadFixture(t, 'kernel/tc');
	const program = collection.program('ingress_one');
	using first = attachTcx(program, name, {netns, mechanism: 'clsact'});
	const before = openPrograms();
	for (const policy of ['replace', 'adopt', 'create'] as const) {
		const take = () => attach(program, {tcx: name, netns}, {policy, pin: '/none'});
		if (policy === 'create') t.throws(take, {code: 'ERR_LINK'});
		else take().link.close();
		t.is(openPrograms(), before, policy);
	}
	t.is(first.info().programId, program.info().id);
});

/** A kind of hook: how it is named, which program runs there, and what is on it now. */
interface Kind {
	readonly fixture: string;
	readonly program: string;
	readonly make: (t: ExecutionContext) => Promise<{
		target: AttachTarget;
		running: () => number[];
		device?: Device;
	}>;
}

const kinds: Record<string, Kind> = {
	xdp: {
		fixture: 'kernel/globals',
		program: 'count_packets',
		async make(t) {
			const device = await makeDevice(t);
			const target = {xdp: device.name, netns: device.namespace.path};
			const running = () =>
				getDevice(device.index, device.netns).xdp.map(each => each.programId);
			return {target, running, device};
		},
	},
	tcx: {
		fixture: 'kernel/tc',
		program: 'ingress_one',
		async make(t) {
			const device = await makeDevice(t);
			const netns = device.namespace.path;
			const running = () =>
				queryTcx(device.name, 'ingress', {netns}).programs.map(each => each.programId);
			return {target: {tcx: device.name, netns}, running, device};
		},
	},
	cgroup: {
		fixture: 'kernel/cgroup',
		program: 'connect4',
		async make(t) {
			const {path} = await makeCgroup(t);
			const running = () =>
				queryCgroup(path, 'cgroup_inet4_connect').programs.map(each => each.programId);
			return {target: {cgroup: path}, running};
		},
	},
};

const load = async (t: ExecutionContext, {fixture, program}: Kind): Promise<Program> =>
	(await loadFixture(t, fixture)).program(program);

for (const [name, kind] of Object.entries(kinds)) {
	kernel(`${name}: attached by pin, replaced by pin, in one link`, async t => {
		const {target, running} = await kind.make(t);
		const pin = `${await makeBpffs(t)}/links/one`;
		const [one, two] = [await load(t, kind), await load(t, kind)];
		const first = attach(one, target, {pin});
		t.is(first.how, 'created');
		t.deepEqual(running(), [one.info().id]);
		const {id} = first.link.info();
		first.link.close();
		t.deepEqual(running(), [one.info().id]);

		const second = attach(two, target, {pin});
		t.like(second, {how: 'replaced', previousId: one.info().id});
		t.is(second.link.info().id, id);
		second.link.close();
		t.deepEqual(running(), [two.info().id]);
		using pinned = openPinnedLink(pin);
		t.is(pinned.info().programId, two.info().id);
	});

	kernel(`${name}: a predecessor without a pin is found by name, and pinned`, async t => {
		const {target, running} = await kind.make(t);
		const pin = `${await makeBpffs(t)}/one`;
		const [one, two] = [await load(t, kind), await load(t, kind)];
		const first = attach(one, target);
		const second = attach(two, target, {pin});
		t.like(second, {how: 'replaced', previousId: one.info().id});
		first.link.close();
		second.link.close();
		t.deepEqual(running(), [two.info().id]);
	});

	kernel(`${name}: adopt leaves the same program running, and replaces another`, async t => {
		const {target, running} = await kind.make(t);
		const [one, two] = [await load(t, kind), await load(t, kind)];
		using first = attach(one, target).link;
		const adopted = attach(two, target, {policy: 'adopt'});
		t.like(adopted, {how: 'adopted', previousId: one.info().id});
		t.is(adopted.link.info().id, first.info().id);
		adopted.link.close();
		t.deepEqual(running(), [one.info().id]);
	});

	kernel(`${name}: create refuses a predecessor, naming it`, async t => {
		const {target, running} = await kind.make(t);
		const [one, two] = [await load(t, kind), await load(t, kind)];
		using first = attach(one, target, {policy: 'create'}).link;
		const error = t.throws(() => attach(two, target, {policy: 'create'}), {
			instanceOf: LinkError,
		});
		t.regex(error.message, /it has a predecessor there: program \d+ .*held by this process$/);
		t.like(error.owner, {programId: one.info().id, linkId: first.info().id});
		t.deepEqual(running(), [one.info().id]);
	});

	kernel(`${name}: a pin whose hook is gone is used again`, async t => {
		const gone = await kind.make(t);
		const {target, running} = await kind.make(t);
		const pin = `${await makeBpffs(t)}/one`;
		const [one, two] = [await load(t, kind), await load(t, kind)];
		using first = attach(one, gone.target, {pin}).link;
		t.throws(() => attach(two, target, {pin}), {
			code: 'ERR_PIN',
			message: /which is of another hook$/,
		});
		first.detach();
		using second = attach(two, target, {pin}).link;
		t.deepEqual(running(), [two.info().id]);
		using pinned = openPinnedLink(pin);
		t.is(pinned.info().id, second.info().id);
	});

	kernel(`${name}: processes that race hold one link, and the hook one program`, async t => {
		const {target, running} = await kind.make(t);
		const pin = `${await makeBpffs(t)}/one`;
		const object = await fixtureObject(kind.fixture);
		const child = new URL('attach-child.js', import.meta.url);
		const children = Array.from({length: 4}, () =>
			fork(child, [object, kind.program, JSON.stringify(target), pin]),
		);
		await Promise.all(children.map(async each => once(each, 'message')));
		const answers = children.map(async each => {
			const answer = once(each, 'message');
			each.send('go');
			const [result] = (await answer) as [{how: string; link: number; program: number}];
			return result;
		});
		const results = await Promise.all(answers);
		using pinned = openPinnedLink(pin);
		const {id, programId} = pinned.info();
		t.deepEqual(running(), [programId]);
		t.true(results.some(each => each.program === programId));
		t.deepEqual(
			results.map(each => [each.how === 'created' || each.how === 'replaced', each.link]),
			results.map(() => [true, id]),
			JSON.stringify(results),
		);
	});
}

for (const [name, kind] of Object.entries(kinds)) {
	kernel(
		`${name}: whoever is killed while attaching leaves one program, and a pin to it`,
		async t => {
			const {target, running} = await kind.make(t);
			const pin = `${await makeBpffs(t)}/one`;
			const script = fileURLToPath(new URL('crash-child.js', import.meta.url));
			const object = await fixtureObject(kind.fixture);
			const args = [script, object, kind.program, JSON.stringify(target), pin];
			for (let round = 0; round < 2; round++) {
				const child = start(t, process.execPath, ...args);
				await once(child.stdout ?? child, 'data');
				child.kill('SIGKILL');
				await once(child, 'close');
				using pinned = openPinnedLink(pin);
				t.deepEqual(running(), [pinned.info().programId]);
			}

			const own = await load(t, kind);
			const {link, how} = attach(own, target, {pin});
			t.is(how, 'replaced');
			link.close();
			t.deepEqual(running(), [own.info().id]);
		},
	);
}

kernel('without CAP_SYS_ADMIN a predecessor is found by its pin', async t => {
	const device = await makeDevice(t);
	const bpffs = await makeBpffs(t);
	const object = await fixtureObject('kernel/globals');
	const script = fileURLToPath(new URL('attach-child.js', import.meta.url));
	const target = JSON.stringify({xdp: device.name});
	const attached = async () => {
		const [command, ...args] = device.namespace.wrap(
			...['setpriv', '--bounding-set', '-sys_admin', process.execPath],
			...[script, object, 'count_packets', target, `${bpffs}/one`],
		);
		const child = spawn(command, args, {stdio: ['ignore', 'inherit', 'inherit', 'ipc']});
		await once(child, 'message');
		const answer = once(child, 'message') as Promise<[{how: string; program: number}]>;
		child.send('go');
		return (await answer)[0];
	};
	t.is((await attached()).how, 'created');
	const {how, program} = await attached();
	t.is(how, 'replaced');
	t.deepEqual(getDevice(device.index, device.netns).xdp, [{mode: 'native', programId: program}]);
});

const lossless = test.macro({
	async exec(t, name: 'xdp' | 'tcx' | 'clsact' | 'netlink', family: 'ipv4' | 'ipv6') {
		const kind = kinds[name === 'xdp' || name === 'netlink' ? 'xdp' : 'tcx'];
		if (kind === undefined) return t.fail();
		const {target, device} = await kind.make(t);
		if (device === undefined) return t.fail();
		const netns = device.namespace.path;
		const [one, two] = [await load(t, kind), await load(t, kind)];
		using first =
			name === 'xdp'
				? attachXdp(one, device.name, {netns})
				: name === 'netlink'
					? attachXdp(one, device.name, {netns, mechanism: 'netlink'})
					: attachTcx(one, device.name, {
							netns,
							mechanism: name === 'clsact' ? 'clsact' : 'link',
						});
		// The hook has carried packets before it is changed.
		await device.peer.run('ping', '-c', '1', '-W', '5', device[family]);
		const traffic = {over: false};
		const pinged = device.peer
			.run('ping', '-q', '-f', '-c', '2000', device[family])
			.finally(() => {
				traffic.over = true;
			});
		let replaced = 0;
		for (; !traffic.over; replaced++) {
			const {link, how} = attach(replaced % 2 === 0 ? two : one, target);
			t.is(how, 'replaced');
			if (link instanceof HookAttachment) link.release();
			else link.close();
			await setImmediate();
		}

		t.true(replaced > 0);
		t.false(first.closed);
		t.regex(await pinged, /2000 packets transmitted, 2000 received, 0% packet loss/);
	},
	title: (_, name, family) => `${name}: replaced under ${family} traffic, no packet is lost`,
});

for (const family of ['ipv4', 'ipv6'] as const)
	for (const name of ['xdp', 'netlink', 'tcx', 'clsact'] as const) kernel(lossless, name, family);

kernel('a foreign program on XDP is left alone, and named', async t => {
	const {name, namespace, index, netns} = await makeDevice(t);
	const foreign = (await loadFixture(t, 'kernel/maps')).programs;
	const [other] = Object.values(foreign).filter(each => each.type === 'xdp');
	const mine = (await loadFixture(t, 'kernel/globals')).program('count_packets');
	if (other === undefined) return t.fail();
	using link = attachXdp(other, name, {netns: namespace.path});
	const error = t.throws(() => attach(mine, {xdp: name, netns: namespace.path}), {
		instanceOf: LinkError,
	});
	t.is(error.owner?.programId, other.info().id);
	t.deepEqual(getDevice(index, netns).xdp, [{mode: 'native', programId: other.info().id}]);
	t.false(link.closed);
});

kernel('foreign programs on tcx and cgroups are kept', async t => {
	const {name, namespace} = await makeDevice(t);
	const netns = namespace.path;
	const {path} = await makeCgroup(t);
	const tc = await loadFixture(t, 'kernel/tc');
	using other = attachTcx(tc.program('ingress_two'), name, {netns});
	using mine = attach(tc.program('ingress_one'), {tcx: name, netns, anchor: 'first'}).link;
	t.deepEqual(
		queryTcx(name, 'ingress', {netns}).programs.map(each => each.linkId),
		[mine.info().id, other.info().id],
	);
	const [one, two] = [
		await loadFixture(t, 'kernel/cgroup'),
		await loadFixture(t, 'kernel/cgroup'),
	];
	using held = attachCgroup(one.program('connect6'), path, {mechanism: 'prog_attach'});
	const {link, how} = attach(two.program('connect6'), {cgroup: path});
	t.is(how, 'replaced');
	t.is(link.mechanism, 'prog_attach');
	t.is(held.info().programId, 0);
	link.close();
	t.deepEqual(queryCgroup(path, 'cgroup_inet6_connect').programs, []);
});

kernel('a successor with another expected attach type is refused, saying so', async t => {
	const {name, namespace} = await makeDevice(t);
	const spec = await readObject(await fixtureObject('kernel/globals'));
	const count = spec.programs['count_packets'];
	if (count === undefined) return t.fail();
	const untyped = {count_packets: {...count, attachType: undefined}};
	using old = loadCollection({...spec, programs: untyped});
	using fresh = loadCollection(spec);
	const target = {xdp: name, netns: namespace.path};
	using link = attach(old.program('count_packets'), target).link;
	t.throws(() => attach(fresh.program('count_packets'), target), {
		code: 'ERR_LINK',
		message:
			/its type or expected attach type differs from that of the program attached now: it is of type xdp for xdp$/,
	});
	t.is(link.info().programId, old.program('count_packets').info().id);
});

kernel('a predecessor in another XDP mode is left alone', async t => {
	const {name, namespace} = await makeDevice(t);
	const kind = kinds['xdp'];
	if (kind === undefined) return t.fail();
	const [one, two] = [await load(t, kind), await load(t, kind)];
	const xdp = {xdp: name, netns: namespace.path} as const;
	using link = attach(one, {...xdp, mode: 'generic'}).link;
	t.throws(() => attach(two, xdp), {code: 'ERR_LINK', message: /runs in generic mode/});
	t.is(link.info().programId, one.info().id);
});

kernel('a filter of clsact is replaced in place, and stays where a pin was asked for', async t => {
	const {name, namespace, index, netns} = await makeDevice(t);
	const pin = `${await makeBpffs(t)}/one`;
	const [one, two] = [await loadFixture(t, 'kernel/tc'), await loadFixture(t, 'kernel/tc')];
	const first = attachTcx(one.program('ingress_one'), name, {
		netns: namespace.path,
		mechanism: 'clsact',
	});
	const {link, how} = attach(
		two.program('ingress_one'),
		{tcx: name, netns: namespace.path},
		{pin},
	);
	t.is(how, 'replaced');
	t.is(link.mechanism, 'clsact');
	t.false(existsSync(pin));
	link.close();
	first.close();
	t.deepEqual(
		listFilters(index, 'ingress', netns).map(each => each.programId),
		[two.program('ingress_one').info().id],
	);
});
