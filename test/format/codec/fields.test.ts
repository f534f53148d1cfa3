import test from 'ava';
import {CodecError} from '../../../src/format/codec/codec-error.js';
import {createCodec} from '../../../src/format/codec/codec.js';
import type {FieldCodec, FieldCodecs} from '../../../src/format/codec/layout.js';
import {fixtureTypes, hexOf, idOf, Types, viewOfHex} from '../btf/types.js';

const fields = {
	v4: 'ipv4',
	v4_bytes: 'ipv4',
	v6: 'ipv6',
	mac: 'mac',
	port: 'be16',
	mark: 'be32',
	cookie: 'be64',
	name: 'string',
	raw: 'bytes',
	backends: [{address: 'ipv4', port: 'be16'}],
	list: ['ipv4'],
} as const satisfies FieldCodecs;

const bytes =
	'c0000201 c6336402 20010db8000000000000000000000001 020000000001 0050 00000001 00000000' +
	'0100000000000002 6574683000000000 0a0b 0000 0a000001 1f90 0000 0a000002 0051 0000' +
	'7f000001 08080808 00000000';

const value = {
	v4: '192.0.2.1',
	v4_bytes: '198.51.100.2',
	v6: '2001:db8::1',
	mac: '02:00:00:00:00:01',
	port: 80,
	mark: 1,
	cookie: 0x0100000000000002n,
	name: 'eth0',
	raw: Uint8Array.of(10, 11),
	backends: [
		{address: '10.0.0.1', port: 8080},
		{address: '10.0.0.2', port: 81},
	],
	list: ['127.0.0.1', '8.8.8.8'],
};

test('chosen codecs read and write addresses, texts and network order', async t => {
	const btf = await fixtureTypes();
	for (const generate of [true, false]) {
		const codec = createCodec(btf, idOf(btf, 'addresses'), {
			fields,
			littleEndian: true,
			generate,
		});
		const view = viewOfHex(bytes);
		t.is(view.byteLength, codec.size);
		t.deepEqual(codec.decode(view, 0), value);
		const written = viewOfHex('ff'.repeat(codec.size));
		codec.encode(value, written, 0);
		t.is(hexOf(written), hexOf(view));
		t.is(
			codec.toJson(view, 0),
			'{"v4":"192.0.2.1","v4_bytes":"198.51.100.2","v6":"2001:db8::1",' +
				'"mac":"02:00:00:00:00:01","port":80,"mark":1,"cookie":72057594037927938,' +
				'"name":"eth0","raw":"0a0b",' +
				'"backends":[{"address":"10.0.0.1","port":8080},{"address":"10.0.0.2","port":81}],' +
				'"list":["127.0.0.1","8.8.8.8"]}',
		);
	}
});

test('a codec may be for the whole value', async t => {
	const btf = await fixtureTypes();
	const id = idOf(btf, 'word');
	const view = viewOfHex('c0000201');
	const decode = (fields: FieldCodecs): unknown => createCodec(btf, id, {fields}).decode(view, 0);
	t.is(decode('ipv4'), '192.0.2.1');
	t.is(decode('be32'), 0xc0000201);
	t.is(decode('hex'), 'c0000201');
	t.deepEqual(decode('bytes'), Uint8Array.of(0xc0, 0, 2, 1));
});

test('fields of anonymous members are chosen by their own name', async t => {
	const btf = await fixtureTypes();
	const codec = createCodec(btf, idOf(btf, 'tuple'), {
		littleEndian: true,
		fields: {saddr: 'ipv4', word: {halves: 'hex'}},
	});
	const view = viewOfHex('c0000201 02000000 04030201 06110000');
	const tuple = codec.decode(view, 0) as Record<string, unknown>;
	t.is(tuple['saddr'], '192.0.2.1');
	t.is((tuple['word'] as Record<string, unknown>)['halves'], '04030201');
	const written = viewOfHex('00'.repeat(16));
	codec.encode(tuple, written, 0);
	t.is(hexOf(written), hexOf(view));
});

test('text that is no UTF-8 is read with replacements', t => {
	const types = new Types();
	const name = types.array(types.u8, 4);
	const codec = createCodec(types.parse(), name, {fields: 'string'});
	t.is(codec.decode(viewOfHex('61ff0062'), 0), 'a\ufffd');
	t.is(codec.decode(viewOfHex('61626364'), 0), 'abcd');
	t.is(codec.toJson(viewOfHex('22 0a 5c 00'), 0), '"\\"\\n\\\\"');
});

const refused = test.macro({
	exec(t, size: number, codec: FieldCodec, value: unknown, message: string) {
		const types = new Types();
		const id = types.array(types.u8, size);
		const whole = createCodec(types.parse(), id, {fields: codec});
		t.throws(() => whole.encode(value, new DataView(new ArrayBuffer(size)), 0), {
			instanceOf: CodecError,
			message: `write value: ${message}`,
		});
	},
	title: (_, _size, codec: FieldCodec, value: unknown) =>
		`${codec} refuses ${typeof value === 'string' ? value : typeof value}`,
});

test(refused, 4, 'ipv4', '1.2.3', 'parse ipv4 address "1.2.3": it is not of the form 192.0.2.1');
test(refused, 4, 'ipv4', 1, 'expected an IPv4 address, got 1');
test(refused, 16, 'ipv6', ':::', 'parse ipv6 address ":::": it is not of the form 2001:db8::1');
test(
	refused,
	6,
	'mac',
	'02:00',
	'parse mac address "02:00": it is not of the form 02:00:00:00:00:01',
);
test(refused, 2, 'be16', 65_536, 'expected a whole number from 0 to 65535, got 65536');
test(refused, 4, 'be32', -1, 'expected a whole number from 0 to 4294967295, got -1');
test(refused, 8, 'be64', 1.5, 'expected a whole number from 0 to 18446744073709551615, got 1.5');
test(refused, 4, 'string', 'four', 'expected a string of at most 3 bytes, got "four"');
test(refused, 4, 'string', 'a\0', 'expected a string without NUL, got "a\\u0000"');
test(refused, 4, 'string', [97], 'expected a string, got an array of 1');
test(refused, 4, 'bytes', Uint8Array.of(1), 'expected a Uint8Array of 4 bytes, got 1 bytes');
test(refused, 2, 'hex', '0g00', 'expected 4 hexadecimal digits, got "0g00"');
test(refused, 2, 'hex', '000', 'expected 4 hexadecimal digits, got "000"');
