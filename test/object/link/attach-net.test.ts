import {statSync} from 'node:fs';
import test, {type ExecutionContext} from 'ava';
import {attachCgroup} from '../../../src/object/link/attach-cgroup.js';
import {attachNetfilter} from '../../../src/object/link/attach-netfilter.js';
import {attachNetkit} from '../../../src/object/link/attach-netkit.js';
import {attachNetns} from '../../../src/object/link/attach-netns.js';
import {attachSocket} from '../../../src/object/link/attach-socket.js';
import {attachSockmap} from '../../../src/object/link/attach-sockmap.js';
import {LinkError} from '../../../src/object/link/link-error.js';
import type {Collection} from '../../../src/object/collection/collection.js';
import {makeCgroup} from '../../helpers/cgroup.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {makeNamespace} from '../../helpers/netns.js';
import {showLink} from '../../helpers/show-link.js';

const kernel = kernelTest({feature: 'links of netns, netfilter and maps', since: '6.10'});

const load = async (t: ExecutionContext, ...programs: string[]) =>
	loadFixture(t, 'kernel/links', {programs});

const hits = (collection: Collection, index: number): number =>
	Number(collection.map<number, bigint>('hits').get(index) ?? 0n);

/** A connection to a server of its own process: exits with 0 when it was made, 3 when refused. */
const connectTo = (address: string, port: number): string[] => [
	process.execPath,
	'-e',
	`const net=require('net');const s=net.createServer(c=>c.end('x'));s.listen(${port},'${address}',()=>{const c=net.connect(${port},'${address}');c.on('error',()=>process.exit(3));c.on('data',()=>process.exit(0))})`,
];

const refusesPort = test.macro({
	async exec(t, address: string) {
		const namespace = await makeNamespace(t);
		const collection = await load(t, 'refuse_port');
		const connect = async (port: number) =>
			namespace.run(...(connectTo(address, port) as [string]));
		using link = attachNetns(collection.program('refuse_port'), {netns: namespace.path});
		await t.notThrowsAsync(connect(4343));
		await t.throwsAsync(connect(4242), {message: /failed/});
		t.is(hits(collection, 0), 1);
		const {ino} = statSync(namespace.path);
		t.like(link.info(), {type: 'netns', attachType: 'sk_lookup', netnsInode: ino});
		t.like(await showLink(link), {type: 'netns', netns_ino: ino, attach_type: 'sk_lookup'});
		link.close();
		await t.notThrowsAsync(connect(4242));
	},
	title: (_, address) => `a sk_lookup program decides who listens at ${address}`,
});

kernel(refusesPort, '127.0.0.1');
kernel(refusesPort, '::1');

kernel('a namespace has one flow dissector, and a second is told whose', async t => {
	const {path} = await makeNamespace(t);
	const collection = await load(t, 'dissect');
	const program = collection.program('dissect');
	using link = attachNetns(program, {netns: path});
	const error = t.throws<LinkError>(() => attachNetns(program, {netns: path}), {
		instanceOf: LinkError,
	});
	t.regex(error.message, /the namespace has a program there already: program \d+ "dissect"/);
	t.is(error.owner?.linkId, link.info().id);
});

kernel('a namespace link is replaced, and refuses a program of another type', async t => {
	const {path} = await makeNamespace(t);
	const [one, two] = [await load(t, 'refuse_port'), await load(t, 'refuse_port', 'dissect')];
	using link = attachNetns(one.program('refuse_port'), {netns: path});
	link.update(two.program('refuse_port'), {expected: one.program('refuse_port')});
	t.is(link.info().programId, two.program('refuse_port').info().id);
	t.throws(
		() => {
			link.update(two.program('dissect'));
		},
		{code: 'ERR_LINK'},
	);
	link.detach();
	t.is(link.info().netnsInode, 0);
});

const netfilters = test.macro({
	async exec(t, family: 'ipv4' | 'ipv6', address: string) {
		const namespace = await makeNamespace(t);
		const collection = await load(t, 'count_packet');
		const program = collection.program('count_packet');
		const options = {family, hook: 'input', priority: -7, netns: namespace.path} as const;
		using link = attachNetfilter(program, options);
		await namespace.run('ping', '-c', '1', '-W', '5', address);
		t.true(hits(collection, 1) >= 2);
		const {netfilter} = link.info();
		t.deepEqual(netfilter, {family, hook: 'input', priority: -7, defrag: false});
		t.like(await showLink(link), {id: link.info().id, prog_id: program.info().id});
		t.throws(() => attachNetfilter(program, options), {
			message: /a BPF program has this priority there already; choose another$/,
		});
		using defrag = attachNetfilter(program, {...options, hook: 'prerouting', defrag: true});
		t.true(defrag.info().netfilter?.defrag);
	},
	title: (_, family) => `a netfilter program sees the packets of ${family}`,
});

kernel(netfilters, 'ipv4', '127.0.0.1');
kernel(netfilters, 'ipv6', '::1');

kernel('what a netfilter hook cannot be is said before and after the kernel is asked', async t => {
	const {path: netns} = await makeNamespace(t);
	const collection = await load(t, 'count_packet', 'refuse_port');
	const program = collection.program('count_packet');
	const at = {family: 'ipv4', hook: 'input', netns} as const;
	t.throws(() => attachNetfilter(program, {...at, priority: 1.5}), {code: 'ERR_USAGE'});
	t.throws(() => attachNetfilter(program, {...at, hook: 'toString' as 'input'}), {
		code: 'ERR_USAGE',
	});
	t.throws(() => attachNetfilter(program, {...at, priority: -(2 ** 31)}), {
		message: /this priority is reserved$/,
	});
	t.throws(() => attachNetfilter(program, {...at, priority: -500, defrag: true}), {
		message: /fragments are put together at priority -400: choose one above$/,
	});
	t.throws(() => attachNetfilter(collection.program('refuse_port'), at), {
		message: /it is of type sk_lookup, the hook runs netfilter$/,
	});
});

const passesMessages = test.macro({
	async exec(t, mechanism: 'link' | 'prog_attach', address: string) {
		const cgroup = await makeCgroup(t);
		const collection = await load(t, 'collect_sockets', 'count_message', 'judge_stream');
		const sockets = collection.map('sockets');
		using collector = attachCgroup(collection.program('collect_sockets'), cgroup.path);
		const program = collection.program('count_message');
		using link = attachSockmap(program, sockets, {mechanism});
		t.is(link.mechanism, mechanism);
		t.is(collector.mechanism, 'link');
		await cgroup.run(...(connectTo(address, mechanism === 'link' ? 4444 : 4445) as [string]));
		t.true(hits(collection, 2) >= 1);
		const {id: mapId} = sockets.info;
		t.like(link.info(), {mapId, attachType: 'sk_msg_verdict', programId: program.info().id});
		if (mechanism === 'link') t.like(await showLink(link), {id: link.info().id});

		const error = t.throws<LinkError>(() => attachSockmap(program, sockets), {
			instanceOf: LinkError,
		});
		t.regex(error.message, /the map has a program there already: program \d+ "count_message"/);
		t.is(error.owner?.programId, program.info().id);
		using verdict = attachSockmap(collection.program('judge_stream'), sockets, {mechanism});
		t.is(verdict.info().attachType, 'sk_skb_stream_verdict');
		link.close();
		using again = attachSockmap(program, sockets, {mechanism});
		t.is(again.info().programId, program.info().id);
	},
	title: (_, mechanism, address) =>
		`by ${mechanism} a sk_msg program sees what sockets of a map send to ${address}`,
});

kernel(passesMessages, 'link', '127.0.0.1');
kernel(passesMessages, 'link', '::1');
kernel(passesMessages, 'prog_attach', '127.0.0.1');

kernel('the program of a map is replaced', async t => {
	for (const mechanism of ['link', 'prog_attach'] as const) {
		const [one, two] = [await load(t, 'count_message'), await load(t, 'count_message')];
		const [first, second] = [one.program('count_message'), two.program('count_message')];
		using link = attachSockmap(first, one.map('sockets'), {mechanism});
		link.update(second);
		t.is(link.info().programId, second.info().id);
		link.detach();
		t.is(link.closed ? 0 : link.info().mapId, 0);
	}
});

kernel('a map without sockets, and a program without a role, are refused', async t => {
	const collection = await load(t, 'count_message', 'refuse_port');
	const program = collection.program('count_message');
	t.throws(() => attachSockmap(program, collection.map('hits')), {
		message: /the map is of type array, not sockmap or sockhash$/,
	});
	t.throws(() => attachSockmap(collection.program('refuse_port'), collection.map('sockets')), {
		message: /it is of type sk_lookup, the hook runs sk_msg, sk_skb$/,
	});
});

kernel('netkit says what is in its way', async t => {
	const collection = await load(t, 'netkit_pass');
	t.throws(() => attachNetkit(collection.program('netkit_pass'), 'lo'), {
		message:
			'attach program "netkit_pass" to netkit primary of "lo": the interface is not of type netkit, or the kernel has none (CONFIG_NETKIT)',
	});
});

kernel('a socket takes a filter, and the next in its place, and gives it back', async t => {
	const {createSocket} = await import('node:dgram');
	const socket = createSocket('udp6');
	const closed = new Promise(resolve => socket.once('close', resolve));
	const listening = new Promise(resolve => socket.once('listening', resolve));
	socket.bind(0, '::1');
	await listening;
	const fd = socketFd(socket);
	const collection = await load(t, 'first_byte_only', 'any_socket');
	const program = collection.program('first_byte_only');
	const send = async () => {
		const received = new Promise<Buffer>(resolve => socket.once('message', resolve));
		socket.send('hello', socket.address().port, '::1');
		return (await received).length;
	};
	t.is(await send(), 5);
	const link = attachSocket(program, fd);
	t.is(link.mechanism, 'setsockopt');
	// The filter leaves one byte of the UDP header and so nothing of the message.
	t.is(await send().catch(() => -1), 0);
	t.is(hits(collection, 4), 1);
	t.is(link.info().programId, program.info().id);
	link.update(program);
	link.close();
	t.is(await send(), 5);

	t.throws(() => attachSocket(collection.program('any_socket'), fd), {
		message: /one of a group must have SO_REUSEPORT set$/,
	});
	t.throws(() => attachSocket(program, 0x7f_ff_ff), {
		message: /there is no such descriptor$/,
	});
	socket.close();
	await closed;
});

/** Node keeps it to itself. */
function socketFd(socket: object): number {
	for (const symbol of Object.getOwnPropertySymbols(socket)) {
		const state = (socket as Record<symbol, unknown>)[symbol] as
			{handle?: {fd?: number}} | undefined;
		const {fd} = state?.handle ?? {};
		if (fd !== undefined) return fd;
	}

	throw new Error('the socket has no descriptor');
}
