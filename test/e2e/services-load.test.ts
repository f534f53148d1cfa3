/** Services whose clients do not rest while things change. */

import {dirname} from 'node:path';
import test, {type ExecutionContext} from 'ava';

import {
	datapathStatus,
	datapathUpgrade,
	Services,
	type DatapathMaps,
	type NewService,
} from '../../src/datapath/index.js';
import {addressesOf, makeDatapathLab, type DatapathLab} from '../helpers/datapath-lab.js';
import {kernelTest} from '../helpers/kernel.js';
import {Client, Requests, serveName, type Asker} from '../helpers/requests.js';

const kernel = kernelTest({feature: 'links of tcx', since: '6.6'});

/** Nobody's. */
const virtual = ['10.96.0.10', 'fd00:96::a'] as const;

/** Packets that were dropped, by reason. */
function drops(maps: DatapathMaps): Record<string, bigint> {
	const found: Record<string, bigint> = {};
	for (const [{reason}, values] of maps.require('metrics')) {
		if (reason < 130) continue;
		const count = values.reduce((sum, each) => sum + each.count, 0n);
		found[reason] = (found[reason] ?? 0n) + count;
	}

	return found;
}

interface Served extends DatapathLab {
	readonly services: Services;
	/** Gives the services these backends, of either family by their names. */
	readonly serve: (names: readonly string[]) => Promise<void>;
	/** An endpoint and a client outside, by either family and each port. */
	readonly askers: readonly Asker[];
}

/** Where a client's backend is chosen. */
type Place = 'packets' | 'sockets';

const kept = {keepAlive: true};

/**
 * A service at port 80 that chooses at random, and one at 81 that chooses by Maglev. Two servers on
 * each of two endpoints, which say their names.
 */
async function serving(t: ExecutionContext, place: Place): Promise<Served> {
	const lab = await makeDatapathLab(t, {services: {nodePort: true}});
	const {red, blue, world, maps, root} = lab;
	// That of all hosts.
	if (place === 'sockets') await datapathUpgrade({root, cgroup: dirname(red.cgroup)});
	const {hooks} = datapathStatus({root});
	t.is(
		hooks.some(({kind}) => kind === 'cgroup'),
		place === 'sockets',
	);
	const places = Object.entries({red, blue}).flatMap(([name, host]) =>
		[8080, 8081].map(port => ({name: `${name} ${port}`, host, port})),
	);
	for (const {name, host, port} of places) await serveName(t, host, port, name);
	const services = new Services(maps);
	return {
		...{...lab, services},
		async serve(names) {
			const own = places.filter(({name}) => names.includes(name));
			const wanted = virtual.flatMap((address, i) =>
				([80, 81] as const).map((port): NewService => ({
					frontend: {address, port},
					type: 'LoadBalancer',
					algorithm: port === 80 ? 'random' : 'maglev',
					backends: own.map(({host, port: of}) => ({
						address: addressesOf(host)[i] ?? '',
						port: of,
					})),
				})),
			);
			await services.upsertMany(wanted);
		},
		askers: [red, world].flatMap(from =>
			virtual.flatMap(address => [80, 81].map((port): Asker => ({from, address, port}))),
		),
	};
}

const everyone = ['blue 8080', 'blue 8081', 'red 8080', 'red 8081'];

const upgraded = test.macro({
	async exec(t, place: Place) {
		const {root, maps, serve, askers} = await serving(t, place);
		await serve(everyone);
		const keepers = askers.map(asker => new Client(asker, kept));
		const requests = new Requests(t, [...keepers, ...askers.map(asker => new Client(asker))]);
		const phase = requests.begin();
		await requests.reach(100);
		const before = datapathStatus({root}).programs.map(({id}) => id);
		for (const count of [150, 300]) {
			await datapathUpgrade({root});
			await requests.reach(count);
		}

		await requests.end();
		const after = datapathStatus({root}).programs.map(({id}) => id);
		t.false(after.some(id => before.includes(id)));
		t.deepEqual(phase.failures, []);
		t.deepEqual([...phase.answers.keys()].sort(), everyone);
		t.true(keepers.every(({opened}) => opened === 1));
		t.deepEqual(drops(maps), {});
	},
	title: (_, place) =>
		`backends are chosen in ${place}: an upgrade under load fails no request and breaks no connection`,
});

const removed = test.macro({
	async exec(t, place: Place) {
		const {maps, serve, askers} = await serving(t, place);
		await serve(everyone);
		// Of each service several that keep their backend, so that some keep one that stays.
		const keepers = [...askers, ...askers, ...askers].map(asker => new Client(asker, kept));
		const owners = await Promise.all(keepers.map(async keeper => keeper.ask()));
		const [gone = '', ...left] = everyone;
		const staying = keepers.filter((_, i) => owners[i] !== gone);
		t.true(staying.length > 0);
		const requests = new Requests(t, [...staying, ...askers.map(asker => new Client(asker))]);
		const whole = requests.begin();
		await requests.reach(200);
		await serve(left);
		const rest = requests.begin();
		await requests.reach(200);
		await requests.end();
		for (const keeper of keepers) keeper.destroy();

		t.deepEqual([...whole.answers.keys()].sort(), everyone);
		t.deepEqual([...rest.answers.keys()].sort(), left);
		// What was asked of the one that goes, at that moment.
		t.deepEqual(rest.failures, []);
		t.true(staying.every(({opened}) => opened === 1));
		t.deepEqual(drops(maps), {});
	},
	title: (_, place) =>
		`backends are chosen in ${place}: one goes under load, and others keep their connections and have the new ones`,
});

for (const place of ['packets', 'sockets'] as const) {
	kernel(upgraded, place);
	kernel(removed, place);
}
