import {Conntrack, Nat, openNat, type NatFilter} from '../../../src/datapath/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {families, fillNat, type Addresses} from './filled-nat.js';

const kernel = kernelTest({feature: 'tcx', since: '6.6'});

/** A clock that stands still. */
const noon = {now: () => 100};

kernel('translations are listed as packets have them, with their age', async t => {
	const {maps, add} = await fillNat(t);
	for (const who of families) add(who, {source: who.red, port: 40_000, to: 50_000, created: 88});
	const nat = new Nat(maps, noon);
	const list = [...nat.list()];
	for (const {family, red, node, world} of families) {
		const head = {family, protocol: 'tcp', age: 12, needsCt: false} as const;
		const own = list.filter(each => each.family === family);
		t.deepEqual(
			own.sort((a, b) => (a.direction < b.direction ? 1 : -1)),
			[
				{
					...{...head, direction: 'out', source: red, sourcePort: 40_000},
					...{destination: world, destinationPort: 443},
					...{toAddress: node, toPort: 50_000},
				},
				{
					...{...head, direction: 'in', source: world, sourcePort: 443},
					...{destination: node, destinationPort: 50_000},
					...{toAddress: red, toPort: 40_000},
				},
			],
		);
	}

	const later = [];
	for await (const each of nat.list()) later.push(each);
	t.deepEqual(later, list);
});

const filtered = (who: Addresses): readonly (readonly [NatFilter, number])[] => [
	[{}, 8],
	[{source: who.red}, 1],
	[{destination: `${who.red}/${who.family === 4 ? 30 : 126}`}, 0],
	[{destination: who.node}, 2],
	[{address: who.red}, 2],
	[{address: [who.red, who.blue]}, 4],
	[{address: who.world}, 4],
	[{direction: 'in', address: who.node}, 2],
	[{direction: 'out'}, 4],
	[{port: 40_001, address: who.world}, 2],
	[{protocol: 'udp', address: who.world}, 2],
	[{protocol: 'tcp', source: who.world}, 1],
	[{protocol: 'sctp'}, 0],
];

kernel('a filter says which are listed, and which are forgotten', async t => {
	const {maps, add} = await fillNat(t);
	const fill = (): void => {
		for (const who of families) {
			add(who, {source: who.red, port: 40_000});
			add(who, {source: who.blue, port: 40_001, protocol: 17});
		}
	};
	fill();
	const nat = new Nat(maps, noon);
	for (const who of families) {
		for (const [filter, count] of filtered(who)) {
			const what = JSON.stringify(filter);
			t.is([...nat.list({filter})].length, count, what);
			t.is(await nat.flush(filter), count, what);
			t.is([...nat.list()].length, 8 - count, what);
			fill();
		}

		t.is(await nat.scrub([who.red]), 2);
		t.is(await nat.scrub([]), 0);
		fill();
	}
});

kernel('a filter that makes no sense is refused', async t => {
	const {maps} = await fillNat(t);
	const nat = new Nat(maps, noon);
	t.throws(() => nat.list({filter: {adress: '10.0.0.1'} as NatFilter}), {
		message: 'filter translations: there is no condition "adress"',
	});
	t.throws(() => nat.list({filter: {direction: 'up'} as unknown as NatFilter}), {
		message: /direction is in or out/,
	});
	t.throws(() => nat.list({filter: {source: 'here'}}), {code: 'ERR_ADDRESS'});
});

kernel('what no flow needs is removed, and nothing else', async t => {
	const {maps, add} = await fillNat(t);
	const nat = new Nat(maps, noon);
	for (const who of families) {
		for (const protocol of [6, 17]) {
			const flow = {source: who.red, protocol};
			add(who, {...flow, port: 40_000});
			add(who, {...flow, port: 40_001, flow: false});
			// Young: its first packet may be on its way.
			add(who, {...flow, port: 40_002, flow: false, created: 95});
			// Halves of flows that live are mended by the programs.
			add(who, {...flow, port: 40_003, in: false});
			add(who, {...flow, port: 40_004, out: false});
			add(who, {...flow, port: 40_005, in: false, flow: false});
			add(who, {...flow, port: 40_006, out: false, flow: false});
			// The flow has had another port once, and the node's port had another flow.
			add(who, {...flow, port: 40_007, to: 50_000, out: false});
			add(who, {...flow, port: 40_007, to: 50_001});
			add(who, {...flow, port: 40_008, to: 50_001, in: false});
		}
	}

	const purged = await nat.purge();
	t.deepEqual(
		purged.map(({family, deleted, spared}) => ({family, deleted, spared})),
		families.map(({family}) => ({family, deleted: 12, spared: 0})),
	);
	const left = [...nat.list()].map(({sourcePort, toPort, direction}) => {
		return direction === 'out' ? sourcePort : toPort;
	});
	const count = (port: number): number => left.filter(each => each === port).length;
	t.deepEqual(
		[40_000, 40_001, 40_002, 40_003, 40_004, 40_005, 40_006, 40_007, 40_008].map(count),
		[8, 0, 8, 4, 4, 0, 0, 8, 0],
	);
	t.true((await nat.purge()).every(({deleted}) => deleted === 0));
});

kernel('a port of IPv4 stays reserved while a flow of the other family has it', async t => {
	const {maps, add} = await fillNat(t);
	const nat = new Nat(maps, noon);
	const [{node, world: backend}, {world: client}] = families;
	const crossing = {family: 6, node: `::ffff:${node}`, world: `::ffff:${backend}`} as const;
	const reserved = {family: 4, node, world: backend} as const;
	for (const protocol of [6, 17]) {
		const of = {source: client, dport: 8080, protocol};
		add(crossing, {...of, port: 1, to: 50_001});
		// Over, and gone.
		add(crossing, {...of, port: 2, to: 50_002, flow: false});
		for (const port of [50_001, 50_002, 50_003]) {
			add(reserved, {...of, source: node, port, out: false, flow: false});
		}
		// The node's own, which has a flow of IPv4.
		add(reserved, {...of, source: node, port: 50_004, out: false});
	}

	const [stats] = await nat.stats();
	t.like(stats, {family: 4, entries: 8, unpaired: 4});
	const purged = await nat.purge();
	t.deepEqual(
		purged.map(({family, deleted}) => [family, deleted]),
		[
			[4, 4],
			[6, 4],
		],
	);
	const ports = [...nat.list({filter: {direction: 'in'}})].map(each => each.destinationPort);
	t.deepEqual(ports.sort(), [50_001, 50_001, 50_001, 50_001, 50_004, 50_004]);
});

kernel('the loop of conntrack removes translations whose flow it removed', async t => {
	const {maps, add} = await fillNat(t);
	for (const who of families) {
		add(who, {source: who.red, port: 40_000});
		add(who, {source: who.red, port: 40_001});
		// That one is over.
		const flows = maps.require(`ctTcp${who.family}`);
		for (const [key, entry] of [...flows]) {
			if (key.sport === 40_001) flows.set(key, {...entry, lifetime: 1});
		}
	}

	const stop = new AbortController();
	const conntrack = new Conntrack(maps, {clock: noon});
	const nat = new Nat(maps, noon);
	const passes = conntrack.gcLoop({signal: stop.signal, purge: async given => nat.purge(given)});
	for await (const {result, purged, error} of passes) {
		t.is(error, undefined);
		t.is(result?.deleted, 2);
		t.deepEqual(
			purged?.map(({family, scanned, deleted}) => [family, scanned, deleted]),
			families.map(({family}) => [family, 4, 2]),
		);
		stop.abort();
	}

	const ports = [...nat.list()].map(({sourcePort, toPort, direction}) =>
		direction === 'out' ? sourcePort : toPort,
	);
	t.deepEqual(ports, [40_000, 40_000, 40_000, 40_000]);
});

kernel('what answers from the address of a service stays while its flow lives', async t => {
	const {maps, add} = await fillNat(t);
	const nat = new Nat(maps, noon);
	for (const who of families) {
		// The backend is red, the client is the world.
		add(who, {source: who.red, port: 8080, dport: 40_000, in: false, flow: false});
		add(who, {source: who.red, port: 8080, dport: 40_001, in: false, flow: false});
		add(who, {source: who.red, port: 8080, dport: 40_002, in: false, flow: false});
		add(who, {source: who.blue, port: 1, out: false, in: false});
		const flows = maps.require(`ctTcp${who.family}`);
		const [[, some] = []] = [...flows];
		if (some === undefined) return t.fail();
		// As red has it, and as nodes of Cilium do.
		for (const [sport, dsr, flags] of [
			[40_000, true, 1],
			[40_001, false, 1],
			[40_002, true, 0],
		] as const) {
			flows.set(
				{...{daddr: who.world, saddr: who.red, dport: 8080, sport}, nexthdr: 6, flags},
				{...some, dsr_internal: dsr},
			);
		}
	}

	await nat.purge();
	t.deepEqual(
		[...nat.list()].map(({destinationPort}) => destinationPort).sort(),
		[40_000, 40_000, 40_002, 40_002],
	);
});

kernel('how full it is: entries, ports by destination, ports tried in vain', async t => {
	const {maps, add} = await fillNat(t);
	for (const who of families) {
		for (let port = 40_000; port < 40_010; port++) {
			add(who, {source: who.red, port});
			if (port < 40_003) add(who, {source: who.blue, port, dport: 80, needsCt: true});
		}

		add(who, {source: who.red, port: 7, protocol: who.family === 4 ? 1 : 58, dport: 0});
		add(who, {source: who.blue, port: 9, dport: 81, in: false});
		const retries = maps.require(`natRetries${who.family}`);
		const cpus = retries.get(0)?.length ?? 0;
		retries.set(0, new Array(cpus).fill(2) as number[]);
		retries.set(32, [5, ...(new Array(cpus - 1).fill(0) as number[])]);
	}

	const nat = new Nat(maps, noon);
	const stats = await nat.stats({ports: [40_000, 40_099], limit: 2});
	t.is(stats.length, 2);
	for (const [i, {family, node, world}] of families.entries()) {
		t.like(stats[i], {
			...{family, entries: 29, maxEntries: 4096, pressure: (29 / 4096) * 100},
			...{out: 15, in: 14, ofNode: 6, unpaired: 1, failed: 5},
		});
		const place = {protocol: 'tcp', address: node, destination: world} as const;
		t.deepEqual(stats[i]?.ports, [
			{...place, destinationPort: 443, used: 10, percent: 10},
			{...place, destinationPort: 80, used: 3, percent: 3},
		]);
		t.is(stats[i]?.retries.length, 32);
		t.true((stats[i]?.retries[0] ?? 0) > 0);
	}
});

kernel('maps that are open for reading only are not changed', async t => {
	const {root} = await fillNat(t);
	const {openDatapathMaps} = await import('../../../src/datapath/index.js');
	using maps = openDatapathMaps({root});
	using nat = await openNat(maps);
	t.deepEqual([...nat.list()], []);
	await t.throwsAsync(nat.flush(), {message: /open for reading only/});
	await t.throwsAsync(nat.purge(), {message: /open for reading only/});
});

kernel('a purge of thousands lets the event loop have its turns', async t => {
	const {maps, add} = await fillNat(t);
	for (const who of families) {
		for (let port = 0; port < 1500; port++) {
			add(who, {source: who.red, port: 1024 + port, flow: port % 2 === 0});
		}
	}

	const nat = new Nat(maps, noon);
	let turns = 0;
	const timer = setInterval(() => turns++, 1);
	const purged = await nat.purge();
	clearInterval(timer);
	t.deepEqual(
		purged.map(({deleted}) => deleted),
		[1500, 1500],
	);
	t.true(turns > 0);
});
