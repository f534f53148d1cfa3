import test from 'ava';

import type {
	DropEvent,
	MonitorFilter,
	PolicyVerdictEvent,
	TraceEvent,
} from '../../../src/datapath/index.js';
import {prepareFilter} from '../../../src/datapath/monitor/filter.js';
import {ethernet, ipv4, ipv6, packet, tcp, udp} from '../../../src/lab/index.js';

const from4 = packet(
	ethernet(),
	ipv4({source: '10.0.0.1', destination: '192.0.2.130'}),
	tcp({sourcePort: 4000, destinationPort: 443}),
).bytes;
const from6 = packet(
	ethernet(),
	ipv6({source: '2001:db8::1', destination: '2001:db8:9::9'}),
	udp({sourcePort: 4000, destinationPort: 53}),
).bytes;

const common = {time: 0, hash: 1, length: 100, isL3: false, ifindex: 7};

/** Endpoint 42 sends to 43. */
const drop: DropEvent = {
	...common,
	kind: 'drop',
	source: 42,
	packet: from4,
	reason: 133,
	reasonText: 'Policy denied',
	extendedError: 0,
	sourceIdentity: 1000,
	destinationIdentity: 2000,
	destinationEndpoint: 43,
	file: 'policy.h',
	line: 1,
};
/** To endpoint 42, told by its own program. */
const trace: TraceEvent = {
	...common,
	kind: 'trace',
	source: 42,
	packet: from6,
	point: 'to-endpoint',
	reason: 'new',
	encrypted: false,
	sourceIdentity: 9,
	destinationIdentity: 1000,
	destinationEndpoint: 42,
	proxyPort: 0,
	originalSource: null,
};
const verdict: PolicyVerdictEvent = {
	...common,
	kind: 'policy-verdict',
	source: 43,
	packet: from4,
	verdict: 'deny',
	reason: 181,
	reasonText: 'Policy denied by denylist',
	proxyPort: 0,
	direction: 'ingress',
	remoteIdentity: 1000,
	protocol: 6,
	destinationPort: 443,
	match: 'all',
	authType: 'disabled',
	cookie: 0,
};
const host: TraceEvent = {...trace, source: 0, destinationEndpoint: 0, packet: Uint8Array.of(1)};

const passes = test.macro({
	exec(t, filter: MonitorFilter, ...expected: ('drop' | 'trace' | 'verdict' | 'host')[]) {
		const ready = prepareFilter(filter);
		const all = {drop, trace, verdict, host};
		const found = Object.entries(all)
			.filter(([, event]) => ready.kinds.has(event.kind) && ready.passes(event))
			.map(([name]) => name);
		t.deepEqual(found, expected);
	},
	title: (_, filter) => `what passes ${JSON.stringify(filter)}`,
});

test(passes, {}, 'drop', 'trace', 'verdict', 'host');
test(passes, {kinds: ['drop', 'policy-verdict']}, 'drop', 'verdict');
test(passes, {from: [42]}, 'drop');
test(passes, {to: [42]}, 'trace');
test(passes, {to: [43]}, 'drop', 'verdict');
test(passes, {relatedTo: [42]}, 'drop', 'trace');
test(passes, {relatedTo: [0]});
test(passes, {identities: [2000, 9]}, 'drop', 'trace', 'host');
test(passes, {identities: [1000], kinds: ['policy-verdict']}, 'verdict');
test(passes, {addresses: ['10.0.0.1']}, 'drop', 'verdict');
test(passes, {addresses: ['192.0.2.128/25']}, 'drop', 'verdict');
test(passes, {addresses: ['192.0.2.0/25']});
test(passes, {addresses: ['2001:db8::/127']}, 'trace');
test(passes, {addresses: ['0.0.0.0/0', '::/0']}, 'drop', 'trace', 'verdict');
test(passes, {ports: [53]}, 'trace');
test(passes, {ports: [4000]}, 'drop', 'trace', 'verdict');
test(passes, {addresses: ['10.0.0.1'], ports: [53]});
test(passes, {reasons: [133]}, 'drop');
test(passes, {reasons: ['POLICY_DENY', 'policy denied']}, 'drop', 'verdict');

const refused = test.macro({
	exec(t, filter: object, code: string) {
		t.throws(() => prepareFilter(filter), {code});
	},
	title: (_, filter) => `a filter ${JSON.stringify(filter)} is refused`,
});

test(refused, {kind: 'drop'}, 'ERR_USAGE');
test(refused, {kinds: ['drops']}, 'ERR_USAGE');
test(refused, {reasons: ['nothing like that']}, 'ERR_USAGE');
test(refused, {addresses: ['10.0.0']}, 'ERR_ADDRESS');
