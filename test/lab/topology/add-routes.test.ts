import {spawn} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';

import {parseIpv6, parsePrefix} from '../../../src/base/address.js';
import {listRoutes} from '../../../src/kernel/netlink/routes.js';
import {addRoutes} from '../../../src/lab/topology/add-routes.js';
import {kernelTest} from '../../helpers/kernel.js';
import {makeNamespace} from '../../helpers/netns.js';

const kernel = kernelTest({feature: 'network namespaces', since: '5.3'});

kernel('a gateway that the kernel does not know yet is waited for', async t => {
	const {name, path, run} = await makeNamespace(t);
	await run('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1');
	for (const end of ['eth0', 'eth1']) await run('ip', 'link', 'set', end, 'up');
	const ifindex = Number(await run('cat', '/sys/class/net/eth0/ifindex'));
	const routes = ['2001:db8:1::/64', '::/0', '2001:db8:2::/64'].map(prefix => ({
		destination: parsePrefix(prefix),
		gateway: prefix === '2001:db8:1::/64' ? undefined : parseIpv6('fd00::2'),
		ifindex,
	}));
	const netns = openSync(path, 'r');
	t.teardown(() => {
		closeSync(netns);
	});
	// While this thread waits.
	const command = `sleep 0.3; exec ip -n ${name} address add fd00::1/64 dev eth0 nodad`;
	spawn('sh', ['-c', command], {stdio: 'inherit'});
	addRoutes(routes, netns);
	const there = listRoutes(netns);
	const gateways = routes.map(({destination}) => {
		const found = there.find(
			route =>
				route.destination.length === destination.length &&
				Buffer.compare(route.destination.address, destination.address) === 0,
		);
		return found && String(found.gateway ?? 'none');
	});
	const gateway = String(parseIpv6('fd00::2'));
	t.deepEqual(gateways, ['none', gateway, gateway]);
	t.throws(
		() => {
			addRoutes(routes, netns);
		},
		{code: 'ERR_NETLINK', message: /EEXIST/},
	);
});
