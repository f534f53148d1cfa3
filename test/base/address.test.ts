import {isIPv6} from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import {
	AddressError,
	formatIpv4,
	formatIpv6,
	formatMac,
	formatPrefix,
	networkOf,
	parseIpv4,
	parseIpv6,
	parseMac,
	parsePrefix,
} from '../../src/base/address.js';
import {hex, viewOf} from '../../src/base/bytes.js';

type Kind = 'ipv4' | 'ipv6' | 'mac' | 'prefix';
const parsers = {ipv4: parseIpv4, ipv6: parseIpv6, mac: parseMac, prefix: parsePrefix};

const reads = test.macro({
	exec(t, kind: Exclude<Kind, 'prefix'>, text: string, bytes: string, canonical: string = text) {
		const parsed = parsers[kind](text);
		t.is(hex(parsed, ''), bytes);
		const format = {ipv4: formatIpv4, ipv6: formatIpv6, mac: formatMac}[kind];
		const shifted = Uint8Array.from([0xaa, ...parsed, 0xbb]);
		t.is(format(viewOf(shifted), 1), canonical);
	},
	title: (_, kind, text) => `${kind} ${text}`,
});

test(reads, 'ipv4', '192.0.2.1', 'c0000201');
test(reads, 'ipv4', '0.0.0.0', '00000000');
test(reads, 'ipv4', '255.255.255.255', 'ffffffff');
test(reads, 'ipv6', '::', '00'.repeat(16));
test(reads, 'ipv6', '::1', `${'00'.repeat(15)}01`);
test(reads, 'ipv6', '2001:db8::', `20010db8${'00'.repeat(12)}`);
test(
	reads,
	'ipv6',
	'2001:DB8:0:0:8:800:200C:417A',
	'20010db80000000000080800200c417a',
	'2001:db8::8:800:200c:417a',
);
// Of two runs of zeros as long as each other the first is shortened; one group alone never is.
test(
	reads,
	'ipv6',
	'2001:db8:0:0:1:0:0:1',
	'20010db8000000000001000000000001',
	'2001:db8::1:0:0:1',
);
test(reads, 'ipv6', '2001:0:0:1:0:0:0:1', '20010000000000010000000000000001', '2001:0:0:1::1');
test(
	reads,
	'ipv6',
	'2001:db8::1:1:1:1:1',
	'20010db8000000010001000100010001',
	'2001:db8:0:1:1:1:1:1',
);
test(reads, 'ipv6', '1:2:3:4:5:6:7::', '00010002000300040005000600070000', '1:2:3:4:5:6:7:0');
test(reads, 'ipv6', '::ffff:192.0.2.1', `${'00'.repeat(10)}ffffc0000201`);
test(reads, 'ipv6', '::ffff:c000:201', `${'00'.repeat(10)}ffffc0000201`, '::ffff:192.0.2.1');
test(reads, 'ipv6', '64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221', '64:ff9b::c000:221');
test(reads, 'ipv6', '::192.0.2.1', `${'00'.repeat(12)}c0000201`, '::c000:201');
test(
	reads,
	'ipv6',
	'1:2:3:4:5:6:192.0.2.1',
	'000100020003000400050006c0000201',
	'1:2:3:4:5:6:c000:201',
);
test(reads, 'ipv6', '192.0.2.1', `${'00'.repeat(10)}ffffc0000201`, '::ffff:192.0.2.1');
test(reads, 'mac', '02:00:5e:10:00:ff', '02005e1000ff');
test(reads, 'mac', '02-00-5E-10-00-FF', '02005e1000ff', '02:00:5e:10:00:ff');

const prefix = test.macro({
	exec(t, text: string, bytes: string, length: number, canonical: string = text) {
		const parsed = parsePrefix(text);
		t.is(hex(parsed.address, ''), bytes);
		t.is(parsed.length, length);
		t.is(formatPrefix(parsed), canonical);
	},
	title: (_, text) => `prefix ${text}`,
});

test(prefix, '192.0.2.0/24', 'c0000200', 24);
test(prefix, '0.0.0.0/0', '00000000', 0);
test(prefix, '192.0.2.1', 'c0000201', 32, '192.0.2.1/32');
test(prefix, '2001:db8::/32', `20010db8${'00'.repeat(12)}`, 32);
test(prefix, '::1', `${'00'.repeat(15)}01`, 128, '::1/128');

const covers = test.macro({
	exec(t, text: string, network: string) {
		const given = parsePrefix(text);
		t.is(formatPrefix(networkOf(given)), network);
		t.is(formatPrefix(given), text);
	},
	title: (_, text, network) => `the network of ${text} is ${network}`,
});

test(covers, '192.0.2.129/25', '192.0.2.128/25');
test(covers, '192.0.2.129/24', '192.0.2.0/24');
test(covers, '255.255.255.255/3', '224.0.0.0/3');
test(covers, '192.0.2.1/32', '192.0.2.1/32');
test(covers, '1.2.3.4/0', '0.0.0.0/0');
test(covers, '2001:db8:ffff::1/33', '2001:db8:8000::/33');

const refused = test.macro({
	exec(t, kind: Kind, text: string) {
		const error = t.throws(() => parsers[kind](text), {instanceOf: AddressError});
		t.is(error.code, 'ERR_ADDRESS');
		t.regex(error.message, /^parse [a-z0-9 ]+ ".*": it is not of the form /);
		t.notRegex(error.message, /\n/);
	},
	title: (_, kind, text) => `${kind} refuses ${JSON.stringify(text)}`,
});

for (const text of [
	'',
	'1.2.3',
	'1.2.3.4.5',
	'256.0.0.1',
	'1.2.3.04',
	' 1.2.3.4',
	'1.2.3.4/8',
	'0x1.2.3.4',
	'1.2.3.-4',
	'::1',
	'1.2.3.4\n',
]) {
	test(refused, 'ipv4', text);
}

for (const text of [
	'',
	':',
	':::',
	'1::2::3',
	'1:2:3:4:5:6:7',
	'1:2:3:4:5:6:7:8:9',
	'12345::',
	'g::',
	'fe80::1%eth0',
	'::1/64',
	'::1.2.3',
	'::ffff:010.0.0.1',
	'::ffff:0x10.0.0.1',
	'1:2:3:4:5:6:7:1.2.3.4',
	'1.2.3.4::',
	':1.2.3.4',
	'::1\n',
]) {
	test(refused, 'ipv6', text);
}

for (const text of [
	'',
	'02:00',
	'02:00:00:00:00:0g',
	'02:00:00:00:00:00:00',
	'0200.0000.0001',
	'02:00:00:00:00:01\n',
]) {
	test(refused, 'mac', text);
}

for (const text of [
	'',
	'/',
	'192.0.2.0/33',
	'192.0.2.0/',
	'192.0.2.0/-1',
	'192.0.2.0/8/8',
	'::/129',
	'host/8',
	'10.0.0.0/1e1',
]) {
	test(refused, 'prefix', text);
}

test('any address is read back from its text', t => {
	fc.assert(
		fc.property(fc.uint8Array({minLength: 16, maxLength: 16}), fc.nat(255), (bytes, zeros) => {
			// Groups of zeros are what formatting is about.
			for (let i = 0; i < 8; i++)
				if (((zeros >> i) & 1) === 1) bytes.fill(0, i * 2, i * 2 + 2);
			const text = formatIpv6(viewOf(bytes));
			t.true(isIPv6(text));
			t.deepEqual(parseIpv6(text), bytes);
			// The address as another implementation writes it.
			t.is(new URL(`http://[${text}]/`).hostname, `[${hexadecimal(text, bytes)}]`);
			t.deepEqual(parseIpv4(formatIpv4(viewOf(bytes))), bytes.slice(0, 4));
			t.deepEqual(parseMac(formatMac(viewOf(bytes))), bytes.slice(0, 6));
		}),
		{numRuns: 2000},
	);
});

/** URLs write mapped addresses in hexadecimal too. */
function hexadecimal(text: string, bytes: Uint8Array): string {
	if (!text.includes('.')) return text;
	const group = (i: number): string => viewOf(bytes).getUint16(i).toString(16);
	return `::ffff:${group(12)}:${group(14)}`;
}

test('what is read as an IPv4 address is what the library takes for four decimal numbers', t => {
	const odd = fc.constantFrom('', '00', '01', '0x1', '1e1', ' 1', '999999');
	const number = fc.oneof({weight: 8, arbitrary: fc.nat(260).map(String)}, odd);
	const text = fc.oneof(
		fc.array(number, {minLength: 3, maxLength: 5}).map(parts => parts.join('.')),
		fc.string(),
	);
	fc.assert(
		fc.property(text, each => {
			const expected = ipaddr.IPv4.isValidFourPartDecimal(each)
				? ipaddr.IPv4.parse(each).toByteArray()
				: undefined;
			let read;
			try {
				read = [...parseIpv4(each)];
			} catch (error) {
				t.true(error instanceof AddressError);
			}

			t.deepEqual(read, expected);
		}),
	);
});
