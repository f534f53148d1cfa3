import test, {type ExecutionContext} from 'ava';
import {lab, sendLive, type LiveResult, type SendLiveOptions} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadOrders, order} from './orders.js';

const kernel = kernelTest({feature: 'generic XDP and packet sockets', since: '5.15'});

/** Longer than a test may take: who waits for it has not ended early. */
const never = 600_000;

/** Sends frames from client to server, whose interface has the program. */
async function send(
	t: ExecutionContext,
	frames: readonly Uint8Array[],
	options: SendLiveOptions = {},
): Promise<LiveResult> {
	const collection = await loadOrders(t);
	await using net = await lab({
		name: 'live',
		hosts: ['client', 'server'],
		links: [['client', 'server']],
	});
	net.hosts.server.attachXdp(collection.program('xdp_orders'), 'eth0', {mode: 'generic'});
	return await sendLive(net, 'client', frames, {
		filter: ({bytes}) => bytes[12] === 0x12 && bytes[13] === 0x34,
		maps: [collection.map('flows')],
		...options,
	});
}

/** The arguments of the frames that arrived. */
function argumentsOf(result: LiveResult): Record<string, unknown[]> {
	return Object.fromEntries(
		Object.entries(result.arrived).map(([name, frames]) => [
			name,
			frames.map(({bytes}) => bytes[15]),
		]),
	);
}

const arrives = test.macro(
	async (
		t,
		frames: readonly Uint8Array[],
		options: SendLiveOptions,
		arrived: Record<string, unknown[]>,
	) => {
		const result = await send(t, frames, options);
		t.is(result.failure, undefined);
		t.deepEqual(argumentsOf(result), arrived);
	},
);

const drop = order('return', 1);
const pass = order('return', 2);
const tx = order('return', 3);

kernel(
	'what passes arrives, and ends the wait',
	arrives,
	[pass],
	{expect: {server: pass}, timeout: never},
	{'server/eth0': [2]},
);
kernel(
	'a number of frames is waited for',
	arrives,
	[pass, drop, order('add', 7)],
	{expect: {'server/eth0': 2}, timeout: never},
	{'server/eth0': [2, 7]},
);
kernel(
	'what is sent back arrives where it came from',
	arrives,
	[tx],
	{expect: {client: ({bytes}) => bytes[15] === 3}, watch: ['server'], timeout: never},
	{'server/eth0': [], 'client/eth0': [3]},
);
kernel(
	'what is dropped arrives nowhere',
	arrives,
	[drop],
	{expect: {server: 0}, watch: ['client'], timeout: 50},
	{'client/eth0': [], 'server/eth0': []},
);
kernel(
	'without a choice every interface is watched',
	arrives,
	[drop, pass, tx],
	{},
	{'client/eth0': [3], 'server/eth0': [2]},
);

const fails = test.macro({
	async exec(t, expect: Required<SendLiveOptions>['expect'], failure: RegExp) {
		const result = await send(t, [pass], {expect, timeout: 50});
		t.regex(result.failure ?? '', failure);
		t.deepEqual(argumentsOf(result)['server/eth0'], [2]);
	},
	title: (_, __, failure: RegExp) => `what did not arrive is told: ${failure.source}`,
});

kernel(fails, {server: 0}, /^server\/eth0: expected nothing, got .+$/);
kernel(fails, {server: 2}, /^server\/eth0: expected 2 frames, got 1$/);
kernel(
	fails,
	{server: () => false},
	/^server\/eth0: no frame that the function wants: 1 other came$/,
);
kernel(fails, {server: [drop]}, /^server\/eth0: expected .+: 1 other came\n {2}.+/);
kernel(fails, {server: [pass, pass]}, /^server\/eth0: expected .+: nothing else came$/);
kernel(fails, {server: pass, client: pass}, /^client\/eth0: expected .+: nothing else came$/);

kernel('what changed in the maps is told', async t => {
	const {effects} = await send(t, [order('add', 9)], {expect: {server: 1}, timeout: never});
	t.like(effects, [{map: 'flows', kind: 'added', key: 9, after: {packets: 1n, argument: 9}}]);
});

kernel('what hosts say of themselves does not count', async t => {
	const bytes = new Uint8Array(80);
	bytes.set([0x33, 0x33, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x60]);
	const [solicitation, report, other] = [bytes, bytes, bytes].map(each => each.slice());
	solicitation?.set([58], 20);
	solicitation?.set([133], 54);
	report?.set([0], 20);
	report?.set([58, 0], 54);
	report?.set([143], 62);
	other?.set([58], 20);
	other?.set([128], 54);
	await using net = await lab({name: 'chatter', hosts: ['a', 'b'], links: [['a', 'b']]});
	const frames = [solicitation, report, other].filter(frame => frame !== undefined);
	const {arrived} = await sendLive(net, 'a', frames, {expect: {b: 1}, timeout: never});
	t.deepEqual(
		arrived['b/eth0']?.map(frame => frame.bytes[54]),
		[128],
	);
});

kernel('hosts and interfaces that are not there are refused', async t => {
	await using net = await lab({
		name: 'refused',
		hosts: ['left', 'right'],
		links: [['left', 'right']],
	});
	await t.throwsAsync(sendLive(net, 'lefd', pass), {
		code: 'ERR_USAGE',
		message: 'send frames: the lab has no host "lefd"; did you mean "left"?',
	});
	await t.throwsAsync(sendLive(net, 'left', pass, {watch: ['constructor']}), {code: 'ERR_USAGE'});
	await t.throwsAsync(sendLive(net, 'left/eth7', pass), {code: 'ERR_HOST'});
	await t.throwsAsync(sendLive(net, 'left', pass, {watch: ['right', 'right/eth7']}), {
		code: 'ERR_HOST',
	});
});
