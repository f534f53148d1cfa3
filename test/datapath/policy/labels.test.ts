import {once} from 'node:events';
import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {Worker} from 'node:worker_threads';

import {Identities, Ipcache, Policies, type PolicyRule} from '../../../src/datapath/index.js';
import {skep} from '../../helpers/cli.js';
import {kernelTest} from '../../helpers/kernel.js';
import {endpoint, guardEndpoint, peers, type Guarded} from './guarded.js';
import type {ReplacerData} from './replacer-worker.js';

const kernel = kernelTest({feature: 'policies in a map of maps', since: '5.15'});

const enforce = {ingress: true, egress: true};
const web: PolicyRule = {
	...{direction: 'egress', peers: {labels: {app: 'web'}}, action: 'allow'},
	...{protocol: 'tcp', ports: 80},
};

/** What becomes of a new flow to the peer `web`, in both families. */
const sendBoth = ({send}: Guarded): string[] =>
	([4, 6] as const).map(family => send('egress', family, 'tcp 80', 'web'));

/** The addresses of the peer `web` have this identity from now on. */
function become({maps}: Guarded, identity: number): void {
	const prefixes = ['10.0.1.1/32', 'fd00:1::1/128'];
	new Ipcache(maps).upsert(prefixes.map(prefix => ({prefix, identity})));
}

const records = (root: string): string[] => readdirSync(join(root, 'rules'));

kernel('rules that name labels are about nobody, then about whoever gets them', async t => {
	const guarded = await guardEndpoint(t);
	const {policies, maps} = guarded;
	const {entries} = await policies.replace(endpoint.id, [web], {enforce});
	t.is(entries, 0);
	t.deepEqual(sendBoth(guarded), ['drop 133', 'drop 133']);

	const {id} = await policies.allocate(['k8s:app=web', 'k8s:tier=front']);
	become(guarded, id);
	t.deepEqual(sendBoth(guarded), ['pass', 'pass']);
	t.like(policies.get(endpoint.id), {enforcement: {...enforce, audit: false}});

	// Other labels change nothing, and the policy is not touched.
	const before = maps.require('policies').get(endpoint.id);
	await policies.allocate(['k8s:app=db']);
	t.deepEqual(await policies.refresh(), []);
	t.is(maps.require('policies').get(endpoint.id), before);

	t.true(await policies.release(id));
	t.deepEqual(sendBoth(guarded), ['drop 133', 'drop 133']);
	t.false(await policies.release(id));
});

kernel('whoever is denied by labels is denied from the first packet on', async t => {
	const guarded = await guardEndpoint(t);
	const {policies} = guarded;
	const anybody: PolicyRule = {direction: 'egress', peers: 'any', action: 'allow'};
	await policies.replace(endpoint.id, [anybody, {...web, action: 'deny'}], {enforce});
	become(guarded, peers.db);
	t.deepEqual(sendBoth(guarded), ['pass', 'pass']);
	const {id} = await policies.allocate(['app=web']);
	become(guarded, id);
	t.deepEqual(sendBoth(guarded), ['drop 181', 'drop 181']);
});

kernel('rules follow identities that other processes change', async t => {
	const guarded = await guardEndpoint(t);
	const {policies, root} = guarded;
	await policies.replace(endpoint.id, [web], {enforce});
	const at = ['--root', root];
	const added = await skep('identity', 'allocate', 'k8s:app=web', ...at, '-o', 'json');
	t.is(added.code, 0, added.err);
	const {id} = JSON.parse(added.out) as {id: number};
	become(guarded, id);
	t.deepEqual(sendBoth(guarded), ['pass', 'pass']);

	const released = await skep('identity', 'release', String(id), ...at);
	t.is(released.code, 0, released.err);
	t.deepEqual(sendBoth(guarded), ['drop 133', 'drop 133']);

	// What is changed behind the policies' back is made good by a refresh.
	using identities = Identities.open(root, {write: true});
	become(guarded, identities.allocate(['app=web']).id);
	t.deepEqual(sendBoth(guarded), ['drop 133', 'drop 133']);
	const refreshed = await skep('policy', 'refresh', ...at, '-o', 'json');
	t.is(refreshed.out, `{"changed":[${endpoint.id}]}\n`, refreshed.err);
	t.deepEqual(sendBoth(guarded), ['pass', 'pass']);
});

kernel('rules are kept as long as the policy that was made of them', async t => {
	const {policies, root, maps} = await guardEndpoint(t);
	await policies.replace(endpoint.id, [{...web, peers: [peers.db]}]);
	t.false(readdirSync(root).includes('rules'));
	await policies.replace(endpoint.id, [{...web, peers: [peers.db, {labels: {app: 'web'}}]}]);
	const [kept] = records(root);
	const mapId = maps.require('policies').get(endpoint.id) as number;
	t.is(kept, `${endpoint.id}-${mapId}`);
	await policies.allocate(['app=web']);
	t.is(records(root).length, 1);
	t.notDeepEqual(records(root), [kept]);
	await policies.replace(endpoint.id, [{...web, peers: 'any'}]);
	t.deepEqual(records(root), []);

	await policies.replace(endpoint.id, [web]);
	// As one leaves them who dies before the policy is in force.
	await policies.replace(12, [web]);
	maps.require('policies').delete(12);
	t.is(records(root).length, 2);
	await new Policies(maps).recover();
	t.is(records(root).length, 1);
	await policies.remove(endpoint.id);
	t.deepEqual(records(root), []);
});

kernel('a process that dies at any point leaves a policy that follows its own labels', async t => {
	const {policies, root} = await guardEndpoint(t);
	const rulesFor = (app: string): PolicyRule[] => [{...web, peers: {labels: {app}}}];
	const numbers = [await policies.allocate(['app=web']), await policies.allocate(['app=db'])];
	const choices = [rulesFor('web'), rulesFor('db')];
	const data: ReplacerData = {root, endpointId: endpoint.id, choices};
	const peersNow = (): number[] =>
		policies.get(endpoint.id)?.entries.map(({identity}) => identity) ?? [];
	for (let round = 0; round < 4; round++) {
		const worker = new Worker(new URL('replacer-worker.js', import.meta.url), {
			workerData: data,
		});
		for (let i = 0; i <= round; i++) await once(worker, 'message');
		await worker.terminate();
		await policies.recover();
		t.is(records(root).length, 1);
		const [peer] = peersNow();
		const app = numbers.find(({id}) => id === peer)?.labels[0] ?? '';
		const {id} = await policies.allocate([app, `round=${round}`]);
		t.deepEqual(peersNow(), [peer, id]);
		await policies.release(id);
		t.deepEqual(peersNow(), [peer]);
	}
});
