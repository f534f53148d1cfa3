import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createInterface} from 'node:readline';

import {monitor, type MonitorEvent} from '../../../src/datapath/index.js';
import {icmp, icmpv6, tcp, udp} from '../../../src/lab/index.js';
import {endpoint, guardEndpoint, sent} from '../../helpers/guarded-endpoint.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'events of the datapath', since: '5.15'});
const syn = tcp({sourcePort: 4000, destinationPort: 443, flags: 'S'});
const enforceEgress = 2;

kernel('drops, traces and verdicts are told by name', async t => {
	const node = await guardEndpoint(t, {}, enforceEgress);
	using listening = monitor({root: node.root});
	for (const family of ['ipv4', 'ipv6'] as const) {
		const data = sent(family, syn);
		const identity = family === 'ipv4' ? 9 : 10;
		const before = Date.now();
		node.fromEndpoint.run({data});
		const [verdict, drop, ...rest] = listening.read();
		t.deepEqual(rest, []);
		const common = {source: endpoint.id, length: data.length, packet: data, isL3: false};
		t.like(verdict, {
			...common,
			kind: 'policy-verdict',
			verdict: 'deny',
			reason: 133,
			reasonText: 'Policy denied',
			proxyPort: 0,
			direction: 'egress',
			remoteIdentity: identity,
			protocol: 6,
			destinationPort: 443,
			match: 'none',
			authType: 'disabled',
			cookie: 0,
		});
		t.like(drop, {
			...common,
			kind: 'drop',
			reason: 133,
			reasonText: 'Policy denied',
			extendedError: 0,
			sourceIdentity: endpoint.identity,
			destinationIdentity: identity,
			destinationEndpoint: 0,
			ifindex: endpoint.ifindex,
			file: 'policy.h',
		});
		t.true((drop?.time ?? 0) >= before && (drop?.time ?? 0) <= Date.now());
	}

	node.maps.require('endpointSettings').set(endpoint.id, {policy_revision: 2, flags: 0});
	const data = sent('ipv6', syn);
	node.fromEndpoint.run({data});
	t.like(listening.read()[0], {
		kind: 'trace',
		point: 'to-stack',
		reason: 'new',
		encrypted: false,
		originalSource: endpoint.ipv6,
		proxyPort: 0,
		packet: data,
	});
	t.deepEqual(listening.stats, {events: 5, passed: 5, lost: 0, limited: 0});
});

kernel('a filter lets pass what it names', async t => {
	const node = await guardEndpoint(t, {}, enforceEgress);
	const {root} = node;
	const filters = {
		drops: {kinds: ['drop']},
		reason: {reasons: ['policy denied']},
		peer: {addresses: ['192.0.2.0/24']},
		v6: {addresses: ['2001:db8:9::/48']},
		port: {ports: [443]},
	} as const;
	const node4 = ['policy-verdict', 'drop'];
	const expected: Record<keyof typeof filters, string[]> = {
		drops: ['drop', 'drop', 'drop', 'drop'],
		reason: [...node4, ...node4, ...node4, ...node4],
		peer: [...node4, ...node4],
		v6: [...node4, ...node4],
		port: [...node4, ...node4],
	};
	for (const [name, filter] of Object.entries(filters)) {
		using listening = monitor({root, filter});
		node.fromEndpoint.run({data: sent('ipv4', syn)});
		node.fromEndpoint.run({data: sent('ipv4', icmp({type: 'echoRequest'}))});
		node.fromEndpoint.run({data: sent('ipv6', syn)});
		node.fromEndpoint.run({data: sent('ipv6', icmpv6({type: 'echoRequest'}))});
		const kinds = listening.read().map(({kind}) => kind);
		t.deepEqual(kinds, expected[name as keyof typeof filters] as typeof kinds, name);
		t.is(listening.stats.events, 8);
	}
});

kernel('several listen at once, and each gets every event', async t => {
	const node = await guardEndpoint(t);
	using first = monitor({root: node.root});
	using second = monitor({root: node.root});
	t.not(first.slot, second.slot);
	const data = sent('ipv4', udp({}), '10.0.0.77');
	node.fromEndpoint.run({data, repeat: 10});
	t.is(first.read().length, 10);
	first.close();
	node.fromEndpoint.run({data, repeat: 10});
	t.is(second.read().length, 20);
	second.close();
	t.deepEqual([...node.maps.require('events')], []);

	const all = Array.from({length: 4}, () => monitor({root: node.root}));
	t.deepEqual(
		all.map(({slot}) => slot),
		[0, 1, 2, 3],
	);
	t.throws(() => monitor({root: node.root}), {
		code: 'ERR_DATAPATH',
		message: `monitor datapath "${node.root}": all of its 4 places for listeners are taken`,
	});
	for (const each of all) each.close();
	using again = monitor({root: node.root});
	t.is(again.slot, 0);
});

kernel('a monitor that was killed costs no place', async t => {
	const node = await guardEndpoint(t);
	const module = new URL('../../../src/datapath/index.js', import.meta.url).href;
	const script = `
		import {monitor} from ${JSON.stringify(module)};
		monitor({root: ${JSON.stringify(node.root)}});
		console.log('listening');
		setInterval(() => undefined, 1e6);
	`;
	for (let i = 0; i < 5; i++) {
		const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		t.teardown(() => child.kill('SIGKILL'));
		await once(createInterface(child.stdout), 'line');
		child.kill('SIGKILL');
		await once(child, 'close');
	}

	t.is([...node.maps.require('events')].length, 1);
	using listening = monitor({root: node.root});
	node.fromEndpoint.run({data: sent('ipv4', udp({}), '10.0.0.77')});
	t.is(listening.read().length, 1);
	t.is([...node.maps.require('events')].length, 1);
});

kernel('events come to a loop, and to a callback in batches', async t => {
	const node = await guardEndpoint(t);
	const data = sent('ipv4', udp({}), '10.0.0.77');
	const listening = monitor({root: node.root});
	const waiting = (async () => {
		const found: MonitorEvent[] = [];
		for await (const event of listening) {
			found.push(event);
			if (found.length === 3) break;
		}

		return found;
	})();
	node.fromEndpoint.run({data, repeat: 3});
	t.is((await waiting).length, 3);

	const stop = new AbortController();
	const batches: number[] = [];
	using other = monitor({root: node.root, signal: stop.signal});
	const ended = other.each(events => {
		batches.push(events.length);
		if (batches.reduce((sum, each) => sum + each) === 50) stop.abort();
	});
	node.fromEndpoint.run({data, repeat: 50});
	await ended;
	t.true(other.closed);
	t.is(other.stats.passed, 50);
	listening.close();
});

kernel('what a full ring loses and what the rate holds back is told', async t => {
	const node = await guardEndpoint(t);
	const data = sent('ipv4', udp({}), '10.0.0.77');
	using small = monitor({root: node.root, ringSize: 4096});
	using large = monitor({root: node.root, filter: {kinds: ['trace']}});
	node.fromEndpoint.run({data, repeat: 1000});
	const events = small.read();
	t.like(events[0], {kind: 'lost', lost: 1000 - (events.length - 1), limited: 0});
	t.is(small.stats.lost + small.stats.events, 1000);
	t.deepEqual(large.read(), []);
	t.deepEqual(large.stats, {events: 1000, passed: 0, lost: 0, limited: 0});

	const limited = await guardEndpoint(t, {events_rate: 1, events_burst: 2});
	using held = monitor({root: limited.root});
	limited.fromEndpoint.run({data, repeat: 100});
	const [lost, ...rest] = held.read();
	t.like(lost, {kind: 'lost', lost: 0, limited: 100 - rest.length});
});

kernel('what has no events is refused', async t => {
	const node = await guardEndpoint(t);
	t.throws(() => monitor({root: '/nonexistent'}), {code: 'ERR_DATAPATH'});
	t.throws(() => monitor({root: node.root, prefix: 'cilium_'}), {code: 'ERR_DATAPATH'});
	const wrong = {kind: 'drop'} as object;
	t.throws(() => monitor({root: node.root, filter: wrong}), {code: 'ERR_USAGE'});
	t.throws(() => monitor({root: node.root, ...wrong}), {code: 'ERR_USAGE'});
	t.deepEqual([...node.maps.require('events')], []);
});
