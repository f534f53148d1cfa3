/** What the processes that are killed work on. */

import {deepStrictEqual as equal, ok} from 'node:assert/strict';
import {existsSync} from 'node:fs';
import {mkdir} from 'node:fs/promises';
import type {ExecutionContext} from 'ava';

import {datapathDown, datapathStatus, datapathUp} from '../../src/datapath/datapath.js';
import {policyIdInForce} from '../../src/datapath/policy/policy-in-force.js';
import {
	attach,
	attachXdp,
	loadCollection,
	openPinnedLink,
	openPinnedMap,
	readObject,
	type CollectionSpec,
} from '../../src/index.js';
import {getDevice} from '../../src/kernel/netlink/device.js';
import {endpoint, guardEndpoint, peers} from '../datapath/policy/guarded.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {compile, fixtureObject} from '../helpers/compile.js';
import {makeDevice} from '../helpers/device.js';
import {until} from '../helpers/run.js';
import {pinsIn, sourceOf} from '../object/migrate/objects.js';
import type {Scene} from './kill.test.js';

export async function makeAttachScene(t: ExecutionContext): Promise<Scene<'attach'>> {
	const device = await makeDevice(t);
	const root = await makeBpffs(t);
	await mkdir(`${root}/maps`);
	const object = await fixtureObject('kernel/globals');
	const spec = await readObject(object);
	const pin = `${root}/link`;
	const running = () => getDevice(device.index, device.netns).xdp.map(({programId}) => programId);
	return {
		name: 'attach',
		scene: {object, root, device: device.name, netns: device.namespace.path},
		check() {
			using link = existsSync(pin) ? openPinnedLink(pin) : undefined;
			equal(running(), link === undefined ? [] : [link.info().programId]);
		},
		mend() {
			using collection = loadCollection(spec, {pinRoot: `${root}/maps`, pinMaps: 'all'});
			const program = collection.program('count_packets');
			const target = {xdp: device.name, netns: device.namespace.path};
			using link = attach(program, target, {pin}).link;
			equal(running(), [program.info().id]);
			link.unpin(pin);
			link.detach();
			collection.unpin();
			equal(running(), []);
			equal([pinsIn(root), pinsIn(`${root}/maps`)], [['maps'], []]);
		},
	};
}

export async function makeMigrateScene(t: ExecutionContext): Promise<Scene<'migrate'>> {
	const device = await makeDevice(t);
	const root = await makeBpffs(t);
	const members = ['__u32 a;', '__u64 a; __u32 b;'];
	const versions = await Promise.all(members.map(async value => compile(sourceOf({value}))));
	const specs = await Promise.all(versions.map(async version => readObject(version)));
	const load = (spec: CollectionSpec | undefined) => {
		if (spec === undefined) throw new TypeError('no such version');
		return loadCollection(spec, {pinRoot: root, onMismatch: 'migrate'});
	};
	{
		using first = load(specs[0]);
		using link = attachXdp(first.program('look'), device.name, {netns: device.namespace.path});
		link.pin(`${root}/link`);
		for (const id of [1, 2]) first.map('map').set({id}, {a: id});
	}

	/** An upgrade that was attached and not committed stands in the way of all but itself. */
	const loadEither = () => {
		try {
			return load(specs[0]);
		} catch (error) {
			ok(/since an upgrade that was not committed/.test(String(error)), String(error));
			return load(specs[1]);
		}
	};
	const check = () => {
		using map = openPinnedMap<{id: number}, {a: bigint | number}>(`${root}/map`);
		const elements = [...map.entries()].map(([{id}, {a}]) => [id, Number(a)]);
		equal(elements.sort(), [
			[1, 1],
			[2, 2],
		]);
		using link = openPinnedLink(`${root}/link`);
		equal(
			getDevice(device.index, device.netns).xdp.map(({programId}) => programId),
			[link.info().programId],
		);
	};
	return {
		name: 'migrate',
		scene: {versions, root},
		check,
		async mend() {
			// What a process still holds that is just ending, the next upgrade removes.
			await until('nothing waits for its place', async () => {
				using made = loadEither();
				using link = openPinnedLink(`${root}/link`);
				link.update(made.program('look'));
				await made.commit();
				return String(pinsIn(root)) === 'link,map';
			});
			check();
		},
	};
}

export async function makeDatapathScene(t: ExecutionContext): Promise<Scene<'datapath'>> {
	const device = await makeDevice(t);
	const root = `${await makeBpffs(t)}/skep`;
	const scene = {
		root,
		netns: device.namespace.path,
		devices: [device.name],
		gateway: {ipv4: '10.9.0.1', ipv6: 'fd09::1'},
		sizes: {conntrackTcp: 1024, conntrackAny: 1024},
	};
	let round = 0;
	return {
		name: 'datapath',
		scene,
		check() {
			for (const {programId, where} of datapathStatus({root}).hooks) ok(programId > 0, where);
		},
		async mend() {
			round += 1;
			if (round % 2 === 0) {
				await datapathUp(scene);
				const {state, hooks} = datapathStatus({root});
				equal([state, hooks.length], ['up', 2]);
				ok(hooks.every(({current}) => current));
			}

			await datapathDown({root});
			ok(!existsSync(root));
		},
	};
}

export async function makePolicyScene(t: ExecutionContext): Promise<Scene<'policy'>> {
	const {policies, maps, root} = await guardEndpoint(t);
	const choices = [peers.web, peers.db].map(peer => [
		{direction: 'ingress' as const, peers: peer, action: 'allow' as const},
		{direction: 'egress' as const, peers: peer, action: 'allow' as const},
	]);
	return {
		name: 'policy',
		scene: {root, endpointId: endpoint.id, choices},
		check() {
			const entries = policies.get(endpoint.id)?.entries ?? [];
			const [peer] = entries.map(({identity}) => identity);
			ok(peer === peers.web || peer === peers.db, String(peer));
			equal(
				entries.map(({identity}) => identity),
				[peer, peer],
			);
		},
		async mend() {
			await policies.recover();
			const pinned = maps.policy(endpoint.id);
			equal(pinned?.map.info.id, policyIdInForce(maps, endpoint.id));
			pinned?.map.close();
		},
	};
}
