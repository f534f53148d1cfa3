import {type PolicyRule} from '../../../src/datapath/policy/rule.js';
import {kernelTest} from '../../helpers/kernel.js';
import {
	endpoint,
	guardEndpoint,
	peers,
	type Carried,
	type Direction,
	type Family,
	type Peer,
} from './guarded.js';

const kernel = kernelTest({feature: 'policies in a map of maps', since: '5.15'});
const enforced = {enforce: {ingress: true, egress: true}} as const;

/** A packet, and what becomes of it. */
type Sent = readonly [direction: Direction, carried: Carried, peer: Peer, expected: string];
/** The same in both directions. */
type SentBoth = readonly [carried: Carried, peer: Peer, expected: string];

interface DecisionCase {
	readonly title: string;
	readonly rules: readonly PolicyRule[];
	readonly sent: readonly Sent[];
}

const table: DecisionCase[] = [];

function decides(title: string, rules: readonly PolicyRule[], sent: readonly Sent[]): void {
	table.push({title, rules, sent});
}

function both(rules: readonly Omit<PolicyRule, 'direction'>[]): PolicyRule[] {
	return rules.flatMap(rule => [
		{...rule, direction: 'ingress' as const},
		{...rule, direction: 'egress' as const},
	]);
}

function bothWays(sent: readonly SentBoth[]): Sent[] {
	return sent.flatMap(each => [['ingress', ...each] as const, ['egress', ...each] as const]);
}

decides('what no rule allows is denied', [], bothWays([['tcp 80', 'web', 'drop 133']]));

decides(
	'what a rule allows passes',
	both([{peers: peers.web, protocol: 'tcp', ports: 80, action: 'allow'}]),
	bothWays([
		['tcp 80', 'web', 'pass'],
		['tcp 81', 'web', 'drop 133'],
		['udp 80', 'web', 'drop 133'],
		['tcp 80', 'db', 'drop 133'],
	]),
);

decides(
	'a denial wins over what is allowed, wider and narrower',
	both([
		{peers: 'any', action: 'allow'},
		{peers: peers.web, protocol: 'tcp', ports: '80-90', action: 'deny'},
		{peers: peers.web, protocol: 'tcp', ports: 85, action: 'allow'},
	]),
	bothWays([
		['tcp 79', 'web', 'pass'],
		['tcp 80', 'web', 'drop 181'],
		['tcp 85', 'web', 'drop 181'],
		['tcp 91', 'web', 'pass'],
		['tcp 85', 'db', 'pass'],
	]),
);

decides(
	'of equal precedence a denial wins, whoever it is for',
	both([
		{peers: 'any', protocol: 'tcp', ports: 80, action: 'allow', precedence: 5},
		{peers: peers.web, action: 'deny', precedence: 5},
		{peers: peers.db, protocol: 'udp', ports: 53, action: 'allow', precedence: 5},
		{peers: 'any', protocol: 'udp', action: 'deny', precedence: 5},
	]),
	bothWays([
		['tcp 80', 'web', 'drop 181'],
		['tcp 80', 'db', 'pass'],
		['udp 53', 'db', 'drop 181'],
	]),
);

decides(
	'a higher precedence wins over a denial',
	both([
		{peers: 'any', action: 'deny', precedence: 1},
		{peers: peers.web, protocol: 'tcp', action: 'allow', precedence: 2},
		{peers: peers.web, protocol: 'tcp', ports: 22, action: 'deny', precedence: 1},
	]),
	bothWays([
		['tcp 80', 'web', 'pass'],
		['tcp 22', 'web', 'pass'],
		['tcp 80', 'db', 'drop 181'],
		['udp 80', 'web', 'drop 181'],
	]),
);

decides(
	'a range of ports holds both its ends and nothing beside them',
	both([{peers: 'any', protocol: 'udp', ports: '8000-8999', action: 'allow'}]),
	bothWays([
		['udp 7999', 'web', 'drop 133'],
		['udp 8000', 'web', 'pass'],
		['udp 8500', 'world', 'pass'],
		['udp 8999', 'web', 'pass'],
		['udp 9000', 'web', 'drop 133'],
	]),
);

decides(
	'identities of prefixes, and of all that no prefix covers',
	[
		...both([{peers: peers.net, protocol: 'tcp', action: 'allow'}]),
		{direction: 'egress', peers: 'world', protocol: 'tcp', ports: 443, action: 'allow'},
	],
	[
		['ingress', 'tcp 80', 'net', 'pass'],
		['egress', 'tcp 80', 'net', 'pass'],
		['egress', 'tcp 443', 'world', 'pass'],
		['egress', 'tcp 80', 'world', 'drop 133'],
		['ingress', 'tcp 443', 'world', 'drop 133'],
	],
);

decides(
	'each direction has rules of its own',
	[
		{direction: 'ingress', peers: peers.web, action: 'allow'},
		{direction: 'egress', peers: peers.db, action: 'allow'},
	],
	[
		['ingress', 'tcp 80', 'web', 'pass'],
		['egress', 'tcp 80', 'web', 'drop 133'],
		['ingress', 'tcp 80', 'db', 'drop 133'],
		['egress', 'tcp 80', 'db', 'pass'],
	],
);

decides(
	'a proxy sees what the narrower rule hands to it',
	both([
		{peers: peers.web, protocol: 'tcp', action: 'allow'},
		{peers: 'any', protocol: 'tcp', ports: 80, action: 'allow', proxyPort: 15_001},
	]),
	bothWays([
		['tcp 80', 'web', 'proxy 15001'],
		['tcp 80', 'db', 'proxy 15001'],
		['tcp 81', 'web', 'pass'],
	]),
);

decides(
	'what has to be authenticated is dropped until it is',
	both([
		{peers: peers.web, action: 'allow', auth: 1},
		{peers: peers.web, protocol: 'tcp', ports: 80, action: 'allow'},
		{peers: peers.web, protocol: 'tcp', ports: 81, action: 'allow', auth: 0},
	]),
	bothWays([
		['tcp 80', 'web', 'drop 189'],
		['tcp 81', 'web', 'pass'],
		['udp 80', 'web', 'drop 189'],
	]),
);

// One test, since the programs take a second to load.
kernel('the programs decide as rules say, in both families', async t => {
	const {policies, send} = await guardEndpoint(t);
	for (const {title, rules, sent} of table) {
		await policies.replace(endpoint.id, rules, enforced);
		for (const family of [4, 6] as const) {
			for (const [direction, carried, peer, expected] of sent) {
				const what = `${title}: ${direction} IPv${family} ${carried} ${peer}`;
				t.is(send(direction, family, carried, peer), expected, what);
			}
		}
	}
});

const echo = {4: 8, 6: 128} as const;

kernel('types of ICMP are let pass one by one', async t => {
	const {policies, send} = await guardEndpoint(t);
	await policies.replace(
		endpoint.id,
		both([
			{peers: peers.web, protocol: 'icmp', icmpType: echo[4], action: 'allow'},
			{peers: peers.web, protocol: 'icmpv6', icmpType: echo[6], action: 'allow'},
		]),
		enforced,
	);
	for (const direction of ['ingress', 'egress'] as const) {
		for (const family of [4, 6] as const) {
			const other = family === 4 ? 13 : 129;
			t.is(send(direction, family, `icmp ${echo[family]}`), 'pass');
			t.is(send(direction, family, `icmp ${other}`), 'drop 133');
			t.is(send(direction, family, `icmp ${echo[family]}`, 'db'), 'drop 133');
		}
	}
});

kernel('audit lets pass what is denied, enforcement is per direction', async t => {
	const {policies, send} = await guardEndpoint(t);
	const see = (): string[] =>
		([4, 6] as const).flatMap(family =>
			(['ingress', 'egress'] as const).map(direction => send(direction, family, 'tcp 80')),
		);
	const denied = 'drop 133';
	await policies.replace(endpoint.id, []);
	t.deepEqual(see(), ['pass', 'pass', 'pass', 'pass']);
	const ingress = await policies.setEnforcement(endpoint.id, {enforce: {ingress: true}});
	t.deepEqual(ingress, {ingress: true, egress: false, audit: false});
	t.deepEqual(see(), [denied, 'pass', denied, 'pass']);
	await policies.setEnforcement(endpoint.id, {enforce: {ingress: false, egress: true}});
	t.deepEqual(see(), ['pass', denied, 'pass', denied]);
	await policies.setEnforcement(endpoint.id, {audit: true});
	t.deepEqual(see(), ['pass', 'pass', 'pass', 'pass']);
	await policies.setEnforcement(endpoint.id, {enforce: {ingress: true}, audit: false});
	t.deepEqual(see(), [denied, denied, denied, denied]);
});

kernel('a flow that runs is judged again by each new policy', async t => {
	const {policies, send} = await guardEndpoint(t);
	const allow = both([{peers: peers.web, protocol: 'tcp', action: 'allow'}]);
	const flows: [Direction, Family][] = [
		['ingress', 4],
		['egress', 4],
		['ingress', 6],
		['egress', 6],
	];
	const see = (): string[] =>
		flows.map(([direction, family]) => send(direction, family, 'tcp 80', 'web', 5000));
	await policies.replace(endpoint.id, allow, enforced);
	t.deepEqual(see(), ['pass', 'pass', 'pass', 'pass']);
	await policies.replace(endpoint.id, []);
	t.deepEqual(see(), ['drop 133', 'drop 133', 'drop 133', 'drop 133']);
	await policies.replace(endpoint.id, allow);
	t.deepEqual(see(), ['pass', 'pass', 'pass', 'pass']);
	t.is(await policies.remove(endpoint.id), 1);
	t.deepEqual(see(), ['pass', 'pass', 'pass', 'pass']);
	t.is(policies.get(endpoint.id), undefined);
	t.deepEqual(policies.list(), []);
});

kernel('a policy is read back with what it decided', async t => {
	const {policies, send, maps} = await guardEndpoint(t);
	const change = await policies.replace(
		endpoint.id,
		[
			{
				direction: 'ingress',
				peers: peers.web,
				protocol: 'tcp',
				ports: '8000-8063',
				action: 'allow',
				proxyPort: 15_001,
				cookie: 7,
			},
			{direction: 'egress', peers: 'any', action: 'deny'},
		],
		enforced,
	);
	const enforcement = {ingress: true, egress: true, audit: false};
	t.deepEqual(change, {endpointId: endpoint.id, entries: 2, enforcement, revision: 2});
	send('egress', 4, 'udp 53', 'db');
	const {entries, ...rest} = policies.get(endpoint.id) ?? {entries: []};
	t.deepEqual(rest, {endpointId: endpoint.id, enforcement, revision: 2});
	const [first, second, ...more] = entries;
	t.deepEqual(more, []);
	t.deepEqual(first, {
		direction: 'ingress',
		identity: peers.web,
		protocol: 6,
		ports: '8000-8063',
		icmpType: undefined,
		action: 'allow',
		proxyPort: 15_001,
		auth: 0,
		prefix: 18,
		precedence: 0,
		cookie: 7,
		packets: undefined,
		bytes: undefined,
	});
	t.like(second, {
		direction: 'egress',
		identity: 0,
		protocol: undefined,
		ports: undefined,
		action: 'deny',
		prefix: 0,
		precedence: 0xffff_ffff,
		packets: 1n,
	});
	t.deepEqual(policies.list(), [{endpointId: endpoint.id, enforcement, revision: 2, entries: 2}]);
	t.deepEqual(maps.policyIds(), [endpoint.id]);
});

kernel('many endpoints get their policies together', async t => {
	const {policies, maps} = await guardEndpoint(t);
	const ids = Array.from({length: 300}, (_, i) => i + 100);
	const changes = await policies.replaceMany(
		ids.map(endpointId => ({
			endpointId,
			rules: [{direction: 'ingress', peers: endpointId, action: 'allow'} as const],
			enforce: {ingress: true},
		})),
	);
	t.deepEqual(
		changes.map(({endpointId}) => endpointId),
		ids,
	);
	t.deepEqual(maps.policyIds(), ids);
	t.deepEqual(
		ids.map(id => policies.get(id)?.entries[0]?.identity),
		ids,
	);
	t.is(await policies.remove(ids), ids.length);
	t.deepEqual(policies.list(), []);
});
