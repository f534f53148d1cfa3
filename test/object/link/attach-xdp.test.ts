import {readlinkSync} from 'node:fs';
import type {ExecutionContext} from 'ava';
import {attachXdp} from '../../../src/object/link/attach-xdp.js';
import {LinkError} from '../../../src/object/link/link-error.js';
import {openPinnedLink} from '../../../src/object/link/link.js';
import {getDevice} from '../../../src/kernel/netlink/device.js';
import {skep} from '../../helpers/cli.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {makeDevice} from '../../helpers/device.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {run, start, until} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'xdp links', since: '5.9'});

const load = async (t: ExecutionContext) =>
	(await loadFixture(t, 'kernel/globals')).program('count_packets');

for (const mode of ['native', 'generic'] as const) {
	kernel(`a busy hook names its owner: a link in ${mode} mode with a pin`, async t => {
		const {name, namespace} = await makeDevice(t);
		const netns = namespace.path;
		const bpffs = await makeBpffs(t);
		const [mine, other] = [await load(t), await load(t)];
		using link = attachXdp(other, name, {netns, mode});
		link.pin(`${bpffs}/owner`);
		const {id, tag} = other.info();
		const linkId = link.info().id;
		const error = t.throws(() => attachXdp(mine, name, {netns, mode}), {instanceOf: LinkError});
		t.is(
			error.message,
			`attach program "count_packets" to xdp of "${name}": the interface has an XDP program already: program ${id} "count_packets" (tag ${tag}) in ${mode} mode by link ${linkId}, pinned at ${bpffs}/owner, held by this process`,
		);
		t.like(error.owner, {
			programId: id,
			programName: 'count_packets',
			tag,
			linkId,
			mode,
			pins: [`${bpffs}/owner`],
		});
		t.is(error.owner?.processes[0]?.pid, process.pid);
		using again = openPinnedLink(`${bpffs}/owner`);
		t.is(again.info().programId, id);
	});
}

kernel('a busy hook names its owner: a program that netlink put there', async t => {
	const {name, namespace} = await makeDevice(t);
	const netns = namespace.path;
	const [mine, other] = [await load(t), await load(t)];
	using attached = attachXdp(other, name, {netns, mechanism: 'netlink'});
	t.is(attached.mechanism, 'netlink');
	for (const mechanism of ['link', 'netlink'] as const) {
		const error = t.throws(() => attachXdp(mine, name, {netns, mechanism}), {
			instanceOf: LinkError,
		});
		t.regex(error.message, /in native mode without a link, held by this process$/);
		t.is(error.owner?.programId, other.info().id);
		t.is(error.owner?.linkId, undefined);
		t.is(error.owner?.mode, 'native');
	}
});

kernel('native XDP that the MTU forbids is refused in the words of the driver', async t => {
	const {name, namespace, netns, peerEnd, peer, index} = await makeDevice(t);
	for (const [space, device] of [
		[namespace, name],
		[peer, peerEnd.name],
	] as const)
		await run('ip', '-n', space.name, 'link', 'set', 'dev', device, 'mtu', '9000');
	const program = await load(t);
	const error = t.throws(() => attachXdp(program, name, {netns: namespace.path}), {
		instanceOf: LinkError,
	});
	t.regex(
		error.message,
		/: Peer MTU is too large to set XDP; the MTU is 9000: lower it, or load the program from section "xdp.frags"$/,
	);
	t.deepEqual(getDevice(index, netns).xdp, []);
	using generic = attachXdp(program, name, {netns: namespace.path, mode: 'generic'});
	t.is(generic.mechanism, 'link');
});

kernel('a driver without native XDP is never given generic XDP unasked', async t => {
	const {namespace, netns} = await makeDevice(t);
	const program = await load(t);
	t.throws(() => attachXdp(program, 'lo', {netns: namespace.path}), {
		code: 'ERR_LINK',
		message:
			'attach program "count_packets" to xdp of "lo": Underlying driver does not support XDP in native mode; mode \'generic\' works with every driver, and is slower',
	});
	t.throws(() => attachXdp(program, 'lo', {netns: namespace.path, mode: 'offload'}), {
		code: 'ERR_LINK',
	});
	t.deepEqual(getDevice(1, netns).xdp, []);
});

kernel('a namespace may be named by a process in it', async t => {
	const {name, index, namespace} = await makeDevice(t);
	const program = await load(t);
	const {pid = 0} = start(t, ...namespace.wrap('sleep', '60'));
	const isInside = () =>
		readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync('/proc/self/ns/net');
	await until('the process is in the namespace', isInside);
	using link = attachXdp(program, name, {netns: pid});
	t.is(link.info().ifindex, index);
	const shown = await skep('net', '--netns', String(pid));
	t.regex(shown.out, /xdp native +1 +count_packets/, shown.err);
	t.throws(() => attachXdp(program, name, {netns: process.pid}), {
		message: `attach program "count_packets" to xdp of "${name}": no interface "${name}"`,
	});
	t.throws(() => attachXdp(program, name, {netns: 2 ** 22 + 1}), {
		message: /no network namespace of process 4194305$/,
	});
});
