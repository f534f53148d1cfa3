import test from 'ava';

import {compileRules} from '../../../src/datapath/policy/compile.js';
import type {PolicyRule} from '../../../src/datapath/policy/rule.js';

const allow = {direction: 'ingress', peers: 'any', action: 'allow'} as const;

const refuses = test.macro({
	exec(t, given: object, message: RegExp) {
		const rules = [allow, {...allow, ...given} as PolicyRule];
		t.throws(() => compileRules(rules), {code: 'ERR_USAGE', message});
	},
	title: (_, given) => `no rule has ${JSON.stringify(given)}`,
});

test(refuses, {port: 80}, /^read rule 2: there is no field "port"; is it ports$/);
test(refuses, {direction: 'in'}, /^read rule 2: direction is ingress or egress, not "in"$/);
test(refuses, {action: 'drop'}, /action is allow or deny, not "drop"$/);
test(
	refuses,
	{peers: 'web'},
	/a peer is "any", the number of an identity, labels, or one of host, /,
);
test(refuses, {peers: {labels: {}}}, /labels of a peer are texts by key, at least one/);
test(refuses, {peers: {labels: {app: 1}}}, /labels of a peer are texts by key/);
test(refuses, {peers: [{labels: ['app']}]}, /labels of a peer are texts by key/);
test(refuses, {peers: {app: 'web'}}, /a peer has labels, not "app"$/);
test(refuses, {peers: {labels: {app: 'web'}}}, /nobody says here who has which labels$/);
test(refuses, {peers: [300, 0]}, /no peer has the identity 0; anybody is "any"$/);
test(refuses, {peers: 2 ** 32}, /peer is a whole number/);
test(refuses, {peers: ['unknown']}, /a peer is "any"/);
test(refuses, {protocol: 'gre'}, /protocol is a number or one of icmp, tcp, udp, icmpv6, sctp/);
test(refuses, {protocol: 256}, /protocol is a whole number from 0 to 255, not 256$/);
test(refuses, {protocol: 0}, /a rule for all protocols names none$/);
test(refuses, {protocol: 'icmp', ports: 80}, /ports are of tcp, udp or sctp, not of protocol 1$/);
test(refuses, {protocol: 'tcp', ports: '90-80'}, /read ports "90-80": expected/);
test(refuses, {icmpType: 8}, /icmpType is for protocol icmp or icmpv6$/);
test(refuses, {protocol: 'icmp', icmpType: 256}, /icmpType is a whole number from 0 to 255/);
test(refuses, {proxyPort: 65_536}, /proxyPort is a whole number from 0 to 65535/);
test(refuses, {precedence: 0xffff_ffff}, /precedence is a whole number from 0 to 4294967294/);
test(refuses, {action: 'deny', proxyPort: 1}, /what is denied has neither a proxy nor/);
test(refuses, {action: 'deny', auth: 0}, /what is denied has neither a proxy nor/);
test(refuses, {auth: 128}, /auth is a whole number from 0 to 127, not 128$/);
test(refuses, {cookie: -1}, /cookie is a whole number from 0 to 4294967295, not -1$/);

test('no peers are nobody', t => {
	t.deepEqual(compileRules([{...allow, peers: []}]), []);
});

test('labels are whoever has them', t => {
	const rules: PolicyRule[] = [{...allow, peers: [7, {labels: {app: 'web'}}]}];
	const peersOf = (found: readonly number[]): number[] =>
		compileRules(rules, ({app}) => (app === 'web' ? found : [])).map(([key]) => key.sec_label);
	t.deepEqual(peersOf([300, 301, 7]), [7, 300, 301]);
	t.deepEqual(peersOf([]), [7]);
});

test('reserved identities have names', t => {
	const peers = ['host', 'remote-node', 'world', 'kube-apiserver', 'any', 'host'] as const;
	const entries = compileRules([{...allow, peers}]);
	t.deepEqual(
		entries.map(([key]) => key.sec_label),
		[0, 1, 2, 6, 7, 9, 10],
	);
});
