import type {ExecutionContext} from 'ava';
import {attach} from '../../../src/object/hook/attach.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {openPinnedLink} from '../../../src/object/link/link.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {makeNamespace} from '../../helpers/netns.js';

const kernel = kernelTest({feature: 'netfilter and sockmap links', since: '6.10'});

const load = async (t: ExecutionContext, ...programs: string[]) =>
	loadFixture(t, 'kernel/links', {programs});

kernel('a program goes where its section says', async t => {
	const collection = await load(t, 'raw_enter', 'test_finish');
	for (const name of ['raw_enter', 'test_finish']) {
		const {link, how} = attach(collection.program(name));
		t.is(how, 'created');
		t.is(link.info().type, 'raw_tracepoint');
		link.close();
	}

	const iterators = await loadFixture(t, 'kernel/iterators');
	const {link: tasks} = attach(iterators.program('count_task'));
	t.like(tasks.info(), {type: 'iter', targetName: 'task'});
	tasks.close();
	const map = iterators.map('entries');
	const {link: entries} = attach(iterators.program('print_entry'), {iterator: {map}});
	t.is(entries.info().mapId, map.info.id);
	entries.close();
});

kernel('a target that the section does not give is given, and the link pinned', async t => {
	const bpffs = await makeBpffs(t);
	const {path: netns} = await makeNamespace(t);
	const collection = await load(t, 'refuse_port', 'count_packet', 'count_message', 'tick');
	const pin = `${bpffs}/lookup`;
	attach(collection.program('refuse_port'), {netns}, {pin}).link.close();
	using pinned = openPinnedLink(pin);
	t.is(pinned.info().attachType, 'sk_lookup');
	const netfilter = {family: 'ipv4', hook: 'input', netns} as const;
	const attached = [
		attach(collection.program('count_packet'), {netfilter}),
		attach(collection.program('count_message'), {sockmap: collection.map('sockets')}),
		attach(collection.program('tick'), {event: {event: 'page_faults', period: 100_000}}),
	];
	t.deepEqual(
		attached.map(({link}) => link.info().type),
		['netfilter', 'sockmap', 'perf_event'],
	);
	for (const {link} of attached) link.close();
	t.throws(() => attach(collection.program('refuse_port')), {
		code: 'ERR_USAGE',
		message: /its section does not say where; give a target$/,
	});
});
