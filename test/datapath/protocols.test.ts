import test from 'ava';

import {protocolName, protocolNumber} from '../../src/datapath/protocols.js';

const named = test.macro({
	exec(t, number: number, name: string) {
		t.is(protocolName(number), name);
		t.is(protocolNumber(name), number);
		t.is(protocolNumber(name.toUpperCase()), number);
		t.is(protocolNumber(String(number)), number);
	},
	title: (_, number, name) => `protocol ${number} is ${name}`,
});

test(named, 1, 'icmp');
test(named, 6, 'tcp');
test(named, 17, 'udp');
test(named, 58, 'icmpv6');
test(named, 132, 'sctp');
test(named, 47, '47');
test(named, 0, '0');

const refused = test.macro({
	exec(t, text: string) {
		t.throws(() => protocolNumber(text), {code: 'ERR_USAGE'});
	},
	title: (_, text) => `"${text}" is no protocol`,
});

for (const text of ['', ' ', 'tcp4', '256', '-1', '1.5', '0x6', 'constructor']) test(refused, text);
