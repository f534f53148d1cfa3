import {once} from 'node:events';
import {join} from 'node:path';
import {Worker} from 'node:worker_threads';
import type {ExecutionContext} from 'ava';

import type {EnforcementOptions} from '../../../src/datapath/policy/enforcement.js';
import type {PolicyRule} from '../../../src/datapath/policy/rule.js';
import {kernelTest} from '../../helpers/kernel.js';
import {endpoint, frame, guardEndpoint, peers, type Guarded, type Peer} from './guarded.js';
import type {TrafficFlow, TrafficReport} from './traffic-worker.js';

const kernel = kernelTest({feature: 'policies in a map of maps', since: '5.15'});

const directions = ['ingress', 'egress'] as const;
type Direction = (typeof directions)[number];
const programs = {ingress: 'to_endpoint', egress: 'from_endpoint'} as const;
const sourcePortAt = {4: 34, 6: 54} as const;

interface Traffic {
	/** Settles when packets were run through whatever there is now. */
	readonly seen: () => Promise<void>;
	readonly packets: () => number;
	readonly wrong: () => readonly string[];
}

/** Packets of new flows and of running ones, in both families, from a thread of their own. */
function startTraffic(
	t: ExecutionContext,
	{root, collection}: Guarded,
	sent: readonly (readonly [Direction, Peer, 'denied' | 'allowed'])[],
): Traffic {
	const paths = {ingress: join(root, 'to'), egress: join(root, 'from')};
	for (const direction of directions) {
		collection.program(programs[direction]).pin(paths[direction]);
	}

	const flows = sent.flatMap(([direction, peer, verdict]) =>
		([4, 6] as const).flatMap((family): TrafficFlow[] => {
			const common = {
				program: paths[direction],
				frame: frame(direction, family, 'tcp 80', peer, 700),
				denied: verdict === 'denied',
			};
			const title = `${direction} IPv${family} ${peer} ${verdict}`;
			const fresh = {sourcePortAt: sourcePortAt[family], frame: common.frame.slice()};
			return [
				{...common, title: `${title} running`},
				{...common, ...fresh, title: `${title} new`},
			];
		}),
	);
	const worker = new Worker(new URL('traffic-worker.js', import.meta.url), {workerData: flows});
	t.teardown(async () => worker.terminate());
	let packets = 0;
	const wrong: string[] = [];
	worker.on('message', (report: TrafficReport) => {
		packets += report.packets;
		wrong.push(...report.wrong);
	});
	return {
		// The first report may be of packets before.
		seen: async () => {
			await once(worker, 'message');
			await once(worker, 'message');
		},
		packets: () => packets,
		wrong: () => wrong,
	};
}

/** A thousand entries, of which those for `web` and `db` are always the same. */
function thousand(round: number): PolicyRule[] {
	const rules: PolicyRule[] = directions.flatMap(direction => [
		{direction, peers: peers.web, protocol: 'tcp', ports: 80, action: 'allow'},
		{direction, peers: peers.db, protocol: 'tcp', ports: 80, action: 'deny'},
	]);
	for (let i = 0; rules.length < 1000; i++) {
		rules.push({
			direction: i % 2 === 0 ? 'ingress' : 'egress',
			peers: 1000 + round * 7 + i,
			protocol: 'tcp',
			ports: 1 + ((i * 31) % 65_535),
			action: i % 3 === 0 ? 'deny' : 'allow',
		});
	}

	return rules;
}

kernel('a thousand rules are replaced without a wrong verdict', async t => {
	const guarded = await guardEndpoint(t);
	const {policies} = guarded;
	await policies.replace(endpoint.id, thousand(0), {enforce: {ingress: true, egress: true}});
	const traffic = startTraffic(
		t,
		guarded,
		directions.flatMap(direction => [
			[direction, 'web', 'allowed'] as const,
			[direction, 'db', 'denied'] as const,
			[direction, 'net', 'denied'] as const,
		]),
	);
	await traffic.seen();
	for (let round = 1; round <= 20; round++) {
		const {entries} = await policies.replace(endpoint.id, thousand(round));
		t.is(entries, 1000);
		await traffic.seen();
	}

	t.deepEqual(traffic.wrong(), []);
	t.true(traffic.packets() > 20_000);
});

kernel('rules and enforcement change together without a wrong verdict', async t => {
	const guarded = await guardEndpoint(t);
	const {policies} = guarded;
	const allow = (direction: Direction): PolicyRule => ({
		direction,
		peers: peers.web,
		action: 'allow',
	});
	// In each of them `web` may come and go, and `db` may not come.
	const states: [PolicyRule[], EnforcementOptions][] = [
		[directions.map(allow), {enforce: {ingress: true, egress: true}, audit: false}],
		[[allow('ingress')], {enforce: {ingress: true, egress: false}, audit: false}],
		[
			[allow('ingress'), {direction: 'egress', peers: 'any', action: 'deny'}],
			{enforce: {ingress: true, egress: false}},
		],
		[directions.map(allow), {enforce: {ingress: true, egress: true}}],
	];
	const change = async ([rules, options]: [PolicyRule[], EnforcementOptions]): Promise<void> => {
		await policies.replace(endpoint.id, rules, options);
	};
	await change([directions.map(allow), {enforce: {ingress: true, egress: true}}]);
	const traffic = startTraffic(t, guarded, [
		['ingress', 'web', 'allowed'],
		['egress', 'web', 'allowed'],
		['ingress', 'db', 'denied'],
	]);
	await traffic.seen();
	for (let round = 0; round < 8; round++) {
		for (const state of states) {
			await change(state);
			await traffic.seen();
		}
	}

	t.deepEqual(traffic.wrong(), []);
});

kernel('what is allowed passes while audit comes and goes with the rules', async t => {
	const guarded = await guardEndpoint(t);
	const {policies} = guarded;
	const enforce = {ingress: true, egress: true};
	const allowed = directions.map((direction): PolicyRule => ({
		direction,
		peers: peers.web,
		action: 'allow',
	}));
	await policies.replace(endpoint.id, allowed, {enforce});
	const traffic = startTraffic(t, guarded, [
		['ingress', 'web', 'allowed'],
		['egress', 'web', 'allowed'],
	]);
	await traffic.seen();
	for (let round = 0; round < 8; round++) {
		await policies.replace(endpoint.id, [], {audit: true});
		await traffic.seen();
		await policies.replace(endpoint.id, allowed, {audit: false});
		await traffic.seen();
		await policies.remove(endpoint.id);
		await traffic.seen();
		await policies.replace(endpoint.id, allowed, {enforce});
		await traffic.seen();
	}

	t.deepEqual(traffic.wrong(), []);
});
