import test from 'ava';

import {parseIpv4, parseIpv6} from '../../../src/base/address.js';
import {addressWords} from '../../../src/datapath/address-words.js';
import {natConstants} from '../../../src/datapath/nat/settings.js';

const words4 = (text: string) => addressWords(parseIpv4(text))[0];
const words6 = (text: string) => addressWords(parseIpv6(text));

test('nothing is translated unless it is asked for', t => {
	t.deepEqual(natConstants({}), {
		nat_ipv4: 0,
		nat_ipv6: [0, 0, 0, 0],
		nat_port_min: 32_768,
		nat_port_max: 65_535,
		masquerade_ipv4: 0,
		masquerade_ipv6: 0,
		masquerade_remote_nodes: 0,
		native_routing_ipv4: 0,
		native_routing_ipv4_mask: 0,
		native_routing_ipv6: [0, 0, 0, 0],
		native_routing_ipv6_mask: [0, 0, 0, 0],
	});
});

test('addresses, ports and prefixes become constants', t => {
	const constants = natConstants({
		nat: {ipv4: '192.0.2.1', ipv6: '2001:db8::1', ports: [40_000, 50_000]},
		masquerade: {
			...{ipv4: true, ipv6: true, remoteNodes: true},
			nativeRouting: ['10.1.2.3/12', 'fd00:1::5/36'],
		},
	});
	t.deepEqual(constants, {
		nat_ipv4: words4('192.0.2.1'),
		nat_ipv6: words6('2001:db8::1'),
		nat_port_min: 40_000,
		nat_port_max: 50_000,
		masquerade_ipv4: 1,
		masquerade_ipv6: 1,
		masquerade_remote_nodes: 1,
		native_routing_ipv4: words4('10.0.0.0'),
		native_routing_ipv4_mask: words4('255.240.0.0'),
		native_routing_ipv6: words6('fd00:1::'),
		native_routing_ipv6_mask: words6('ffff:ffff:f000::'),
	});
});

const refused = test.macro({
	exec(t, settings: Parameters<typeof natConstants>[0], message: RegExp) {
		t.throws(() => natConstants(settings), {message});
	},
	title: (_, settings) => `${JSON.stringify(settings)} is refused`,
});

test(refused, {nat: {ports: [5, 4]}}, /5 to 4 are no ports/);
test(refused, {nat: {ports: [0, 4]}}, /0 to 4 are no ports/);
test(refused, {nat: {ports: [1, 65_536]}}, /are no ports/);
test(refused, {masquerade: {ipv4: true}}, /no ipv4 address/);
test(refused, {nat: {ipv4: '192.0.2.1'}, masquerade: {ipv6: true}}, /no ipv6 address/);
test(refused, {nat: {ipv4: 'somewhere'}}, /somewhere/);
test(
	refused,
	{masquerade: {nativeRouting: ['10.0.0.0/8', '192.168.0.0/16']}},
	/two native prefixes of ipv4/,
);
