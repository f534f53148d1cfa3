/** A datapath on a kernel without links and tcx. */

import '../helpers/old-kernel.js';

import {listFilters} from '../../src/kernel/netlink/tc.js';
import {datapathDown, datapathStatus, datapathUp} from '../../src/datapath/datapath.js';
import type {Host} from '../../src/lab/index.js';
import {openNamespace} from '../../src/object/link/target.js';
import {addon} from '../../src/kernel/sys/addon.js';
import {addressesOf, makeDatapathLab} from '../helpers/datapath-lab.js';
import {kernelTest} from '../helpers/kernel.js';

const kernel = kernelTest({feature: 'filters of clsact', since: '4.5'});

/** Programs of the filters on a host's interfaces, in order. */
function filtersOf({interfaces, netns}: Host): number[] {
	const fd = openNamespace('list filters', netns);
	try {
		return interfaces.flatMap(({ifindex}) =>
			(['ingress', 'egress'] as const).flatMap(direction =>
				listFilters(ifindex, direction, fd).map(({programId}) => programId),
			),
		);
	} finally {
		addon.closeFd(fd);
	}
}

kernel('without tcx endpoints and world reach each other, before and after an upgrade', async t => {
	const {red, blue, world, options, root, node} = await makeDatapathLab(t);
	const reach = async (): Promise<void> => {
		for (const [from, to] of [
			[red, blue],
			[red, world],
			[world, red],
		] as const) {
			for (const address of addressesOf(to)) {
				t.not(await from.ping(address), undefined, `${from.name} to ${to.name} ${address}`);
			}
		}
	};
	await reach();
	const before = filtersOf(node);
	t.is(before.length, 6);

	const {hooks} = await datapathUp(options);
	t.deepEqual(
		hooks.map(({program, how, mechanism}) => [program, how, mechanism]),
		[
			['from_netdev', 'replaced', 'clsact'],
			['to_netdev', 'replaced', 'clsact'],
		],
	);
	const status = datapathStatus({root});
	t.is(status.state, 'up');
	t.is(status.hooks.length, 6);
	const after = filtersOf(node);
	t.deepEqual(after.toSorted(), status.hooks.map(({programId}) => programId).toSorted());
	t.deepEqual(
		before.filter(id => after.includes(id)),
		[],
	);
	await reach();
});

kernel('without tcx an endpoint that is deleted loses its programs', async t => {
	const {endpoints, root, node} = await makeDatapathLab(t);
	t.true(endpoints.delete(1));
	t.is(filtersOf(node).length, 4);
	t.deepEqual(
		datapathStatus({root}).hooks.map(({kind, where}) => [kind, where]),
		[
			['device', 'eth2'],
			['device', 'eth2'],
			['endpoint', '2'],
			['endpoint', '2'],
		],
	);
});

kernel('without tcx nothing is left when the datapath is down', async t => {
	const {root, node, red, blue} = await makeDatapathLab(t);
	await datapathDown({root});
	t.deepEqual(filtersOf(node), []);
	t.is(datapathStatus({root}).state, 'down');
	for (const address of addressesOf(blue)) t.not(await red.ping(address), undefined);
});

kernel(
	'without tcx a filter that went is missing, one that went with its interface is not',
	async t => {
		const {root, node} = await makeDatapathLab(t);
		await node.exec('tc', ['filter', 'del', 'dev', 'eth1', 'ingress']);
		const {state, hooks} = datapathStatus({root});
		t.is(state, 'partial');
		t.deepEqual(
			hooks.filter(({current}) => !current).map(({where, programId}) => [where, programId]),
			[['2', 0]],
		);
		await node.exec('ip', ['link', 'del', 'eth1']);
		t.is(datapathStatus({root}).state, 'up');
	},
);
