import {
	createClsact,
	deleteFilter,
	listFilters,
	qdiscKind,
	setFilter,
} from '../../../src/kernel/netlink/tc.js';
import {makeDevice} from '../../helpers/device.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {run} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'clsact', since: '4.5'});

kernel('clsact is made once, and found', async t => {
	const {index, netns} = await makeDevice(t);
	t.is(qdiscKind(index, netns), undefined);
	t.deepEqual(listFilters(index, 'ingress', netns), []);
	t.true(createClsact(index, netns));
	t.false(createClsact(index, netns));
	t.is(qdiscKind(index, netns), 'clsact');
});

kernel('the older ingress is not taken for clsact', async t => {
	const {index, name, netns, namespace} = await makeDevice(t);
	await run('tc', '-n', namespace.name, 'qdisc', 'add', 'dev', name, 'ingress');
	t.is(qdiscKind(index, netns), 'ingress');
	t.throws(() => createClsact(index, netns), {code: 'ERR_NETLINK', message: /\(EEXIST\)$/});
});

for (const direction of ['ingress', 'egress'] as const) {
	kernel(`filters on ${direction} are made, replaced in place and removed`, async t => {
		const {index: ifindex, netns} = await makeDevice(t);
		const [one, two] = [await loadFixture(t, 'kernel/tc'), await loadFixture(t, 'kernel/tc')];
		const [first, second] = [one.program('either_way'), two.program('either_way')];
		createClsact(ifindex, netns);
		const place = {ifindex, direction, netns, priority: 50, handle: 1} as const;
		const filter = {...place, programFd: first.fd, name: 'mine', how: 'create'} as const;
		const seen = {
			direction,
			priority: 50,
			handle: 1,
			ethProto: 3,
			chain: 0,
			name: 'mine',
			directAction: true,
			tag: first.info().tag,
		};

		setFilter(filter);
		t.deepEqual(listFilters(ifindex, direction, netns), [
			{...seen, programId: first.info().id},
		]);
		t.throws(() => setFilter(filter), {message: /\(EEXIST\)$/});
		setFilter({...filter, programFd: second.fd, how: 'replace'});
		t.deepEqual(listFilters(ifindex, direction, netns), [
			{...seen, programId: second.info().id},
		]);
		t.deepEqual(
			listFilters(ifindex, direction === 'ingress' ? 'egress' : 'ingress', netns),
			[],
		);
		deleteFilter(place);
		t.deepEqual(listFilters(ifindex, direction, netns), []);
		t.throws(() => deleteFilter(place), {message: /\(ENOENT\)$/});
	});
}

kernel('a device with hundreds of filters lists them all, in order', async t => {
	const {index: ifindex, netns} = await makeDevice(t);
	const program = (await loadFixture(t, 'kernel/tc')).program('either_way');
	createClsact(ifindex, netns);
	const count = 400;
	for (let priority = count; priority > 0; priority--) {
		const place = {ifindex, direction: 'ingress', netns, priority, handle: 1} as const;
		setFilter({...place, programFd: program.fd, name: 'x'.repeat(200), how: 'create'});
	}

	t.deepEqual(
		listFilters(ifindex, 'ingress', netns).map(({priority}) => priority),
		Array.from({length: count}, (_, i) => i + 1),
	);
});
