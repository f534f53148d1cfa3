import '../../helpers/old-kernel.js';

import {attachNetns} from '../../../src/object/link/attach-netns.js';
import {attachPerfEvent} from '../../../src/object/link/attach-perf-event.js';
import {attachSockmap} from '../../../src/object/link/attach-sockmap.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {until} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'programs of sockmaps in queries', since: '5.18'});

kernel('without links a program of a map is attached by command, and detached', async t => {
	const collection = await loadFixture(t, 'kernel/links', {programs: ['count_message']});
	const program = collection.program('count_message');
	const sockets = collection.map('sockets');
	const link = attachSockmap(program, sockets);
	t.is(link.mechanism, 'prog_attach');
	t.like(link.info(), {id: 0, type: 'unspec', programId: program.info().id});
	t.throws(() => attachSockmap(program, sockets), {
		message: /the map has a program there already/,
	});
	link.close();
	t.true(link.closed);
	using again = attachSockmap(program, sockets);
	again.detach();
	t.throws(() => attachSockmap(program, sockets, {mechanism: 'link'}), {code: 'ERR_LINK'});
});

kernel('without links an event carries its program itself', async t => {
	const collection = await loadFixture(t, 'kernel/links', {programs: ['tick']});
	const program = collection.program('tick');
	using link = attachPerfEvent(program, {event: 'cpu_clock', frequency: 1000});
	t.is(link.mechanism, 'perf_event');
	const hits = collection.map<number, bigint>('hits');
	await until('a tick', () => (hits.get(8) ?? 0n) > 0n);
	t.is(link.info().programId, program.info().id);
	t.throws(
		() => {
			link.update(program);
		},
		{code: 'ERR_LINK'},
	);
	link.close();
	t.is(link.info().programId, 0);
	t.throws(() => attachPerfEvent(program, {event: 'cpu_clock', frequency: 9, cookie: 1n}), {
		code: 'ERR_LINK',
	});
});

kernel('what has no older way is refused', async t => {
	const collection = await loadFixture(t, 'kernel/links', {programs: ['refuse_port']});
	t.throws(() => attachNetns(collection.program('refuse_port'), {netns: '/proc/self/ns/net'}), {
		code: 'ERR_LINK',
	});
});
