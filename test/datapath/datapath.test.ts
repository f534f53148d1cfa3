import {once} from 'node:events';
import {existsSync} from 'node:fs';

import {UsageError} from '../../src/base/errors.js';
import {datapathDown, datapathStatus, datapathUp} from '../../src/datapath/datapath.js';
import {DatapathClock} from '../../src/datapath/clock.js';
import {DatapathError} from '../../src/datapath/datapath-error.js';
import {openPinnedLink} from '../../src/object/link/link.js';
import {deviceLinkPath, withLock} from '../../src/datapath/root.js';
import {addressesOf, makeDatapathLab} from '../helpers/datapath-lab.js';
import {kernelTest} from '../helpers/kernel.js';
import {makeBpffs} from '../helpers/bpffs.js';

const kernel = kernelTest({feature: 'links of tcx', since: '6.6'});

kernel('endpoints, host and world reach each other over both families', async t => {
	const {red, blue, world, node} = await makeDatapathLab(t);
	for (const [from, to] of [
		[red, blue],
		[red, world],
		[world, red],
		[red, node],
		[node, blue],
	] as const) {
		for (const address of addressesOf(to)) {
			t.not(await from.ping(address), undefined, `${from.name} to ${to.name} ${address}`);
		}
	}
});

kernel('an upgrade loses no packet and resets no connection', async t => {
	const {red, blue, options, root} = await makeDatapathLab(t);
	const server = await blue.listen(80);
	server.on('connection', connection => connection.pipe(connection));
	const [ipv4] = addressesOf(blue);
	const socket = await red.connect(ipv4, 80);
	const before = datapathStatus({root});
	const pings = red.exec('ping', ['-q', '-i', '0.002', '-c', '1500', '-W', '1', ipv4], {
		timeout: 300_000,
	});
	for (let i = 0; i < 3; i++) await datapathUp(options);
	const {stdout} = await pings;
	t.regex(stdout, /1500 packets transmitted, 1500 received/);

	socket.write('still here');
	const [answer] = (await once(socket, 'data')) as [Buffer];
	t.is(answer.toString(), 'still here');
	const after = datapathStatus({root});
	t.is(after.state, 'up');
	t.is(after.hooks.length, 6);
	t.notDeepEqual(
		after.programs.map(({id}) => id),
		before.programs.map(({id}) => id),
	);
	t.true(after.hooks.every(({current}) => current));
});

kernel('what a crash left half done, the next start finishes', async t => {
	const {options, root} = await makeDatapathLab(t);
	const path = deviceLinkPath(root, 'eth2', 'to_netdev');
	const link = openPinnedLink(path);
	link.unpin(path);
	link.close();
	t.is(datapathStatus({root}).hooks.length, 5);
	const {hooks} = await datapathUp(options);
	t.deepEqual(
		hooks.map(({program, how}) => [program, how]),
		[
			['from_netdev', 'replaced'],
			['to_netdev', 'created'],
		],
	);
	t.is(datapathStatus({root}).state, 'up');
});

kernel('nothing is left when the datapath is down', async t => {
	const {root, red, blue} = await makeDatapathLab(t);
	await datapathDown({root});
	t.false(existsSync(root));
	t.deepEqual(datapathStatus({root}), {root, state: 'down', programs: [], hooks: [], maps: []});
	await datapathDown({root});
	for (const address of addressesOf(blue)) t.not(await red.ping(address), undefined);
});

kernel('a directory without a datapath is left alone', async t => {
	const root = await makeBpffs(t);
	await t.throwsAsync(datapathDown({root}), {instanceOf: DatapathError, message: /holds none/});
	t.true(existsSync(root));
});

kernel('one process at a time changes a datapath', async t => {
	const root = await makeBpffs(t);
	await withLock(root, 'hold datapath', async () => {
		await t.throwsAsync(datapathUp({root}), {message: /another process/});
	});
});

kernel('a constant that there is not is refused before anything is loaded', async t => {
	const root = `${await makeBpffs(t)}/skep`;
	await t.throwsAsync(datapathUp({root, constants: {no_such: 1}}), {
		instanceOf: UsageError,
		message: /no constant "no_such"/,
	});
	t.deepEqual(datapathStatus({root}).programs, []);
});

kernel('the clock counts seconds since the machine started', async t => {
	using clock = await DatapathClock.open();
	const uptime = Number(process.hrtime.bigint() / 1_000_000_000n);
	t.true(Math.abs(clock.now() - uptime) <= 60, `${clock.now()} beside ${uptime}`);
});
