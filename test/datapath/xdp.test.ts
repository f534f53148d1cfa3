import {datapathDown, datapathStatus, datapathUp, Prefilter} from '../../src/datapath/index.js';
import {addressesOf, makeDatapathLab} from '../helpers/datapath-lab.js';
import {connects, echo, patience} from '../helpers/datapath-clients.js';
import {kernelTest} from '../helpers/kernel.js';

const kernel = kernelTest({feature: 'frames in several pieces', since: '5.18'});

kernel('what a denied source sends does not come in, what others send does', async t => {
	const {maps, world, red, node, root} = await makeDatapathLab(t, {xdp: 'native'});
	const prefilter = new Prefilter(maps);
	await echo(red, 80);
	await echo(node, 81);
	const [ifindex] = datapathStatus({root}).hooks.flatMap(({kind, mode, where}) =>
		kind === 'xdp' && mode === 'native' ? [where] : [],
	);
	t.is(ifindex, 'eth2');
	const reach = async (expected: boolean) => {
		for (const [host, port] of [
			[red, 80],
			[node, 81],
		] as const) {
			for (const address of addressesOf(host)) {
				const came = await connects(world, address, port, patience(expected));
				t.is(came, expected, `${host.name} ${address}`);
			}
		}
	};
	await reach(true);
	await prefilter.replace(addressesOf(world));
	await reach(false);
	await prefilter.replace(addressesOf(world).map(address => `${address}/24`));
	await reach(false);
	await prefilter.replace(['192.0.2.0/24', '3fff::/20']);
	await reach(true);
});

kernel(
	'lists are replaced under traffic: what both deny never passes, what both allow always',
	async t => {
		const {maps, world, red} = await makeDatapathLab(t, {xdp: 'native'});
		const [ipv4, ipv6] = addressesOf(world);
		const prefilter = new Prefilter(maps);
		// The source is denied by its address and by a prefix in turn: in lists of two maps.
		const lists = [
			[ipv4, ...manyPrefixes(1)],
			[`${ipv4}/32`, `${ipv4}/16`, ...manyPrefixes(2)],
			[`${ipv4}/24`, ...manyPrefixes(3)],
		];
		await prefilter.replace(lists[0] ?? []);
		const [to4, to6] = addressesOf(red);
		const ping = async (address: string) =>
			world.exec('ping', ['-q', '-i', '0.002', '-c', '800', '-W', '1', address]);
		const replies = Promise.all([ping(to6), ping(to4)]);
		const over = new AbortController();
		const pinged = replies.finally(() => {
			over.abort();
		});
		let replaced = 0;
		while (!over.signal.aborted) {
			await prefilter.replace(lists[++replaced % lists.length] ?? []);
		}

		const [six, four] = await pinged;
		t.true(replaced >= 5, `${replaced} times`);
		t.regex(six.stdout, /800 packets transmitted, 800 received/, ipv6);
		t.regex(four.stdout, /800 packets transmitted, 0 received/);
	},
);

/** Of others. */
function manyPrefixes(seed: number): string[] {
	return Array.from({length: 500}, (_, i) => [
		`198.${18 + seed}.${i >> 8}.${i & 0xff}`,
		`3fff:${seed}:${i.toString(16)}::/64`,
	]).flat();
}

kernel('XDP is upgraded under traffic, and denies all the while', async t => {
	const {maps, world, red, options, root} = await makeDatapathLab(t, {xdp: 'auto'});
	const [ipv4] = addressesOf(world);
	await new Prefilter(maps).replace([ipv4]);
	const [to4, to6] = addressesOf(red);
	const ping = async (address: string) =>
		world.exec('ping', ['-q', '-i', '0.002', '-c', '800', '-W', '1', address]);
	const replies = Promise.all([ping(to6), ping(to4)]);
	const before = datapathStatus({root}).hooks.find(({kind}) => kind === 'xdp')?.programId;
	const {hooks} = await datapathUp(options);
	t.like(
		hooks.find(({mode}) => mode !== undefined),
		{where: 'eth2', program: 'xdp_netdev', how: 'replaced', mechanism: 'link', mode: 'native'},
	);
	// Without the option it stays as it is, and is replaced all the same.
	const {netns = '', devices = [], gateway = {}, sizes = {}} = options;
	await datapathUp({root, netns, devices, gateway, sizes});
	const [six, four] = await replies;
	t.regex(six.stdout, /800 packets transmitted, 800 received/);
	t.regex(four.stdout, /800 packets transmitted, 0 received/);
	const status = datapathStatus({root});
	t.is(status.state, 'up');
	const hook = status.hooks.find(({kind}) => kind === 'xdp');
	t.like(hook, {where: 'eth2', program: 'xdp_netdev', mode: 'native', current: true});
	t.not(hook?.programId, before);
});

kernel('where a device takes no native XDP, it is generic and said so', async t => {
	const {maps, world, red, node, options, root} = await makeDatapathLab(t, {});
	// A bridge has no driver that could run it.
	await node.exec('ip', ['link', 'add', 'skep-bridge', 'type', 'bridge']);
	const {hooks} = await datapathUp({...options, devices: ['skep-bridge'], xdp: 'auto'});
	t.like(
		hooks.find(({mode}) => mode !== undefined),
		{where: 'skep-bridge', mode: 'generic', how: 'created'},
	);
	await t.throwsAsync(datapathUp({...options, devices: ['skep-bridge'], xdp: 'native'}), {
		code: 'ERR_LINK',
	});

	const generic = await datapathUp({...options, xdp: 'generic'});
	t.is(generic.hooks.find(({mode}) => mode !== undefined)?.mode, 'generic');
	await echo(red, 80);
	const [ipv4] = addressesOf(world);
	const prefilter = new Prefilter(maps);
	await prefilter.replace([ipv4]);
	const [to4, to6] = addressesOf(red);
	t.false(await connects(world, to4, 80, patience(false)));
	t.true(await connects(world, to6, 80, patience(true)));

	// It keeps its mode unless another is asked for.
	const kept = await datapathUp({...options, xdp: 'auto'});
	t.like(
		kept.hooks.find(({mode}) => mode !== undefined),
		{mode: 'generic', how: 'replaced'},
	);
	const native = await datapathUp({...options, xdp: 'native'});
	t.like(
		native.hooks.find(({mode}) => mode !== undefined),
		{mode: 'native', how: 'created'},
	);
	t.false(await connects(world, to4, 80, patience(false)));
	t.is(datapathStatus({root}).hooks.filter(({kind}) => kind === 'xdp').length, 2);
});

kernel('XDP is switched off alone, and goes with the datapath', async t => {
	const {maps, world, red, node, options, root} = await makeDatapathLab(t, {xdp: 'auto'});
	await echo(red, 80);
	const [ipv4] = addressesOf(world);
	await new Prefilter(maps).replace([ipv4]);
	const [to4] = addressesOf(red);
	t.false(await connects(world, to4, 80, patience(false)));
	await datapathUp({...options, xdp: 'off'});
	t.true(await connects(world, to4, 80, patience(true)));
	const status = datapathStatus({root});
	t.is(status.state, 'up');
	t.false(status.hooks.some(({kind}) => kind === 'xdp'));

	// Its lists are kept.
	await datapathUp({...options, xdp: 'auto'});
	t.false(await connects(world, to4, 80, patience(false)));
	await datapathDown({root});
	t.true(await connects(world, to4, 80, patience(true)));
	const {stdout} = await node.exec('ip', ['link', 'show', 'eth2']);
	t.notRegex(stdout, /xdp/);
});
