import {once} from 'node:events';
import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {Worker} from 'node:worker_threads';

import type {PolicyRule} from '../../../src/datapath/index.js';
import {pinAside} from '../../../src/datapath/policy/pins.js';
import {policyIdInForce} from '../../../src/datapath/policy/policy-in-force.js';
import {createPolicyMap} from '../../../src/datapath/policy/policy-map.js';
import {putPolicies} from '../../../src/datapath/policy/slots.js';
import {compileRules} from '../../../src/datapath/policy/compile.js';
import {kernelTest} from '../../helpers/kernel.js';
import {endpoint, guardEndpoint, peers} from './guarded.js';
import type {ReplacerData} from './replacer-worker.js';

const kernel = kernelTest({feature: 'policies in a map of maps', since: '5.15'});

const rules = (peer: number): PolicyRule[] => [
	{direction: 'ingress', peers: peer, action: 'allow'},
	{direction: 'egress', peers: peer, action: 'allow'},
];

kernel('what a process left half done is finished by the next one', async t => {
	const {policies, maps, send, root} = await guardEndpoint(t);
	const enforce = {ingress: true, egress: true};
	await policies.replace(endpoint.id, rules(peers.web), {enforce});
	t.is(send('egress', 4, 'tcp 80', 'web', 5000), 'pass');
	t.deepEqual(await policies.recover(), []);
	const map = createPolicyMap('policy', compileRules(rules(peers.db)));
	t.teardown(() => {
		map.close();
	});
	await putPolicies(maps.require('policies'), [{endpointId: endpoint.id, map}]);
	// A flow that the old policy let pass is not told yet; the new one is in force, and read.
	t.is(send('egress', 4, 'tcp 80', 'web', 5000), 'pass');
	t.is(send('egress', 4, 'tcp 80', 'web'), 'drop 133');
	t.is(policies.get(endpoint.id)?.entries[0]?.identity, peers.db);
	t.deepEqual(await policies.recover(), [endpoint.id]);
	t.is(send('egress', 4, 'tcp 80', 'web', 5000), 'drop 133');
	const pinned = maps.policy(endpoint.id);
	t.is(pinned?.map.info.id, map.info.id);
	pinned?.map.close();
	t.deepEqual(await policies.recover(), []);

	// The first policy of an endpoint, and a pin that never got its place.
	const left = join(root, `policy_v2_00012__skep_${process.pid}`);
	map.pin(left);
	await putPolicies(maps.require('policies'), [{endpointId: 12, map}]);
	t.deepEqual(
		policies.list().map(({endpointId}) => endpointId),
		[endpoint.id, 12],
	);
	map.close();
	t.deepEqual(await policies.recover(), [12]);
	t.deepEqual(maps.policyIds(), [endpoint.id, 12]);
	t.false(existsSync(left));
});

kernel('a policy that never came into force leaves nothing', async t => {
	const {policies, maps, root} = await guardEndpoint(t);
	using map = createPolicyMap('policy', compileRules(rules(peers.db)));
	pinAside(maps, 12, map);
	t.deepEqual(policies.list(), []);
	t.deepEqual(await policies.recover(), []);
	t.deepEqual(
		readdirSync(root).filter(name => name.startsWith('policy_v2_')),
		[],
	);
});

kernel('a process that dies at any point leaves the old or the new policy', async t => {
	const {policies, maps, root, send} = await guardEndpoint(t);
	const choices = [rules(peers.web), rules(peers.db)];
	const data: ReplacerData = {root, endpointId: endpoint.id, choices};
	await policies.replace(endpoint.id, rules(peers.web), {enforce: {egress: true}});
	for (let round = 0; round < 6; round++) {
		const worker = new Worker(new URL('replacer-worker.js', import.meta.url), {
			workerData: data,
		});
		for (let i = 0; i <= round; i++) await once(worker, 'message');
		await worker.terminate();
		const [first, second, ...more] = policies.get(endpoint.id)?.entries ?? [];
		t.deepEqual(more, []);
		t.is(first?.identity, second?.identity);
		const isWeb = first?.identity === peers.web;
		t.true(isWeb || first?.identity === peers.db);
		for (const family of [4, 6] as const) {
			t.is(send('egress', family, 'tcp 80', 'web'), isWeb ? 'pass' : 'drop 133');
			t.is(send('egress', family, 'tcp 80', 'db'), isWeb ? 'drop 133' : 'pass');
		}

		await policies.recover();
		const pinned = maps.policy(endpoint.id);
		t.deepEqual(pinned?.map.info.id, policyIdInForce(maps, endpoint.id));
		pinned?.map.close();
	}
});
