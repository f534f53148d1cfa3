import {tracePolicy, type TraceRequest} from '../../../src/datapath/policy/trace.js';
import type {PolicyRule} from '../../../src/datapath/policy/rule.js';
import {openDatapathMaps} from '../../../src/datapath/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {endpoint, guardEndpoint, peers, type Peer} from './guarded.js';

const kernel = kernelTest({feature: 'policies in a map of maps', since: '5.15'});

const rules: PolicyRule[] = (['ingress', 'egress'] as const).flatMap(direction => [
	{direction, peers: peers.web, protocol: 'tcp', ports: '80-95', action: 'allow'},
	{direction, peers: 'any', protocol: 'tcp', ports: 85, action: 'allow', proxyPort: 15_001},
	{direction, peers: peers.web, protocol: 'tcp', ports: 90, action: 'deny'},
	{direction, peers: 'any', protocol: 'udp', ports: 53, action: 'allow', precedence: 9},
	{direction, peers: peers.db, protocol: 'udp', ports: 53, action: 'deny', precedence: 8},
	{direction, peers: peers.net, protocol: 'udp', action: 'deny', precedence: 10},
	{direction, peers: peers.db, protocol: 'tcp', ports: 5432, action: 'allow', auth: 1},
]);
const own = {4: '10.0.0.1', 6: 'fd00::1'} as const;
const hosts = {
	web: {4: '10.0.1.1', 6: 'fd00:1::1'},
	db: {4: '10.0.1.2', 6: 'fd00:1::2'},
	net: {4: '10.2.3.4', 6: 'fd00:2::3:4'},
	world: {4: '198.51.100.7', 6: '2001:db8::7'},
} as const;
const enforced = {enforce: {ingress: true, egress: true}} as const;

kernel('a trace tells what the programs do', async t => {
	const {policies, send, root} = await guardEndpoint(t);
	await policies.replace(endpoint.id, rules, enforced);
	using maps = openDatapathMaps({root});
	for (const family of [4, 6] as const) {
		for (const direction of ['egress', 'ingress'] as const) {
			for (const protocol of ['tcp', 'udp'] as const) {
				for (const peer of Object.keys(hosts) as Peer[]) {
					for (const dport of [53, 79, 80, 85, 90, 95, 96, 5432]) {
						const ends = [own[family], hosts[peer][family]];
						const [src = '', dst = ''] = direction === 'egress' ? ends : ends.reverse();
						const trace = tracePolicy(maps, {src, dst, protocol, dport});
						const [side, ...more] = trace.sides;
						t.deepEqual(more, []);
						t.is(trace.verdict, side?.passes === true ? 'allowed' : 'denied');
						const proxied = side?.proxyPort === 0 ? 'pass' : `proxy ${side?.proxyPort}`;
						const told = side?.passes === true ? proxied : `drop ${side?.reason}`;
						const sent = send(direction, family, `${protocol} ${dport}`, peer);
						t.is(told, sent, `${direction} ${src} ${dst} ${protocol} ${dport}`);
					}
				}
			}
		}
	}
});

kernel('a trace names both entries and why one decides', async t => {
	const {policies, maps} = await guardEndpoint(t);
	await policies.replace(endpoint.id, rules, enforced);
	const trace = (request: Partial<TraceRequest>) => {
		const {sides, ...rest} = tracePolicy(maps, {src: own[4], dst: hosts.web[4], ...request});
		return {...rest, side: sides[0]};
	};

	const narrow = trace({dport: 85});
	t.like(narrow.source, {endpoint: endpoint.id, identity: 300, by: 'endpoints', host: false});
	t.like(narrow.destination, {endpoint: undefined, identity: peers.web, by: 'ipcache'});
	t.is(narrow.side?.chosen, 'anybody');
	t.is(narrow.side?.why, 'it says more of protocol and port');
	t.like(narrow.side?.entries.peer, {identity: peers.web, ports: '80-95', prefix: 20});
	t.like(narrow.side?.entries.anybody, {identity: 0, ports: '85', proxyPort: 15_001});

	const denied = trace({dport: 90});
	t.is(denied.side?.why, 'no rule is for anybody');
	t.like(denied, {verdict: 'denied', side: {policy: 'deny', reason: 181}});

	const higher = trace({dst: hosts.net[4], protocol: 'udp', dport: 53});
	t.is(higher.side?.why, 'its precedence is higher');
	t.like(higher.side, {chosen: 'peer', policy: 'deny'});

	const unnamed = trace({dst: {identity: 12_345}, dport: 85});
	t.is(unnamed.side?.why, 'no rule names the peer');
	const nothing = trace({dport: 1});
	t.like(nothing.side, {chosen: 'none', policy: 'none', reason: 133});

	const world = trace({src: hosts.world[6], dst: own[6], dport: 80});
	t.like(world.source, {identity: 10, by: 'world'});
	t.like(world.side, {direction: 'ingress', peer: 10});
	t.is(trace({src: hosts.web[4], dst: hosts.db[4]}).verdict, 'unknown');
	t.like(trace({src: {endpoint: endpoint.id}, dport: 80}).side, {policy: 'allow'});
});

kernel('a trace of a flow looks into conntrack', async t => {
	const {policies, maps, send} = await guardEndpoint(t);
	await policies.replace(endpoint.id, rules, enforced);
	for (const family of [4, 6] as const) {
		const flow = {src: own[family], dst: hosts.web[family], dport: 80, sport: 5000};
		const reply = {src: flow.dst, dst: flow.src, dport: 5000, sport: 80};
		t.is(tracePolicy(maps, flow).sides[0]?.flow, undefined);
		await policies.replace(endpoint.id, rules);
		t.is(send('egress', family, 'tcp 80', 'web', 5000), 'pass');
		const [running] = tracePolicy(maps, flow).sides;
		t.like(running?.flow, {status: 'established', passes: true});
		const [answer] = tracePolicy(maps, reply).sides;
		t.like(answer?.flow, {status: 'reply', passes: true});
		t.like(answer, {policy: 'none', passes: true});
		await policies.replace(endpoint.id, []);
		const [stopped] = tracePolicy(maps, flow).sides;
		t.like(stopped?.flow, {status: 'established', passes: false});
		t.like(stopped, {passes: false, reason: 133});
	}
});

kernel('audit and what is not enforced show in a trace', async t => {
	const {policies, maps} = await guardEndpoint(t);
	const request = {src: own[6], dst: hosts.web[6], dport: 1};
	await policies.replace(endpoint.id, rules);
	t.like(tracePolicy(maps, request).sides[0], {enforced: false, passes: true});
	await policies.setEnforcement(endpoint.id, {enforce: {egress: true}, audit: true});
	const audited = {enforced: true, audit: true, passes: true, reason: 133};
	t.like(tracePolicy(maps, request).sides[0], audited);
});

kernel('what cannot be traced is refused', async t => {
	const {maps} = await guardEndpoint(t);
	const refuse = (request: Partial<TraceRequest>, message: RegExp): void => {
		const whole = {src: own[4], dst: hosts.web[4], ...request};
		t.throws(() => tracePolicy(maps, whole), {message});
	};

	refuse({dst: hosts.web[6]}, /source and destination are of different families/);
	refuse({dst: '10.0.0.0/8'}, /"10.0.0.0\/8" is a prefix, not an address/);
	refuse({dst: 'web'}, /^parse prefix "web"/);
	refuse({src: {endpoint: 99}}, /there is no endpoint 99 with an address of IPv4/);
	refuse({protocol: 'icmp', dport: 80}, /ICMP has a type and no ports/);
	refuse({icmpType: 8}, /protocol 6 has no type of ICMP/);
	refuse({dport: 65_536}, /there is no port 65536/);
	refuse({port: 1} as object, /there is no option "port"/);
});
