import {makeDatapathLab} from '../../helpers/datapath-lab.js';
import {raisePolicyRevision} from '../../../src/datapath/revisions.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'links of tcx', since: '6.6'});

kernel('prefixes of both families are matched by the longest', async t => {
	const {ipcache} = await makeDatapathLab(t);
	ipcache.upsert([
		{prefix: '10.0.0.0/8', identity: 1000},
		{prefix: '10.1.0.0/16', identity: 1001, tunnelEndpoint: '192.0.2.99'},
		{prefix: '10.1.2.3', identity: 1002, encryptKey: 3},
		{prefix: 'fd00::/8', identity: 2000},
		{prefix: 'fd00:1::/32', identity: 2001},
	]);
	t.like(ipcache.match('10.9.9.9'), {prefix: '10.0.0.0/8', identity: 1000});
	t.like(ipcache.match('10.1.9.9'), {
		prefix: '10.1.0.0/16',
		identity: 1001,
		tunnelEndpoint: '192.0.2.99',
	});
	t.like(ipcache.match('10.1.2.3'), {prefix: '10.1.2.3/32', identity: 1002, encryptKey: 3});
	t.like(ipcache.match('10.1.0.0/12'), {prefix: '10.0.0.0/8'});
	t.like(ipcache.match('fd00:1::5'), {prefix: 'fd00:1::/32', identity: 2001});
	t.like(ipcache.match('fd99::'), {identity: 2000});
	t.is(ipcache.match('172.16.0.1'), undefined);
	t.is(ipcache.delete(['10.1.0.0/16', '10.77.0.0/16']), 1);
	t.like(ipcache.match('10.1.9.9'), {prefix: '10.0.0.0/8'});
});

kernel('each change makes flows be judged again', async t => {
	const {ipcache, maps} = await makeDatapathLab(t);
	const config = maps.require('runtimeConfig');
	const before = config.get(128) ?? 0n;
	ipcache.upsert({prefix: '10.0.0.0/8', identity: 1000});
	ipcache.delete('10.0.0.0/8');
	t.is(config.get(128), before + 2n);

	const settings = maps.require('endpointSettings');
	settings.set(9, {policy_revision: 0xff_ff_ff_ff, flags: 5});
	raisePolicyRevision(maps, 9);
	t.deepEqual(settings.get(9), {policy_revision: 1, flags: 5});
});
