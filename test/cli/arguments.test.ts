import test from 'ava';
import {
	collect,
	fieldCodecs,
	hexBytes,
	jsonValue,
	reference,
	wholeNumber,
} from '../../src/cli/arguments.js';

const read = test.macro({
	exec(t, text: string, value: unknown) {
		t.deepEqual(jsonValue(text), value);
	},
	title: (_, text: string) => `the value ${text} is read`,
});

test(read, '42', 42);
test(read, '-7', -7);
test(read, '18446744073709551615', 18_446_744_073_709_551_615n);
test(read, '{"a":9007199254740993,"b":[1,-9223372036854775808]}', {
	a: 9_007_199_254_740_993n,
	b: [1, -9_223_372_036_854_775_808n],
});
test(read, '{"text":"12345678901234567890"}', {text: '12345678901234567890'});
test(read, '1.5', 1.5);
test(read, 'true', true);
test(read, 'MODE_ON', 'MODE_ON');
test(read, '192.0.2.1', '192.0.2.1');

const refused = test.macro({
	exec(t, work: () => unknown, message: string) {
		t.throws(work, {code: 'ERR_USAGE', message});
	},
	title: (_, __, message: string) => message,
});

test(refused, () => jsonValue('{"a":'), 'read value {"a":: it is not valid JSON');
test(refused, () => hexBytes('0a0'), 'read bytes "0a0": expected pairs of hexadecimal digits');
test(refused, () => wholeNumber('id', 1)('0'), 'read id "0": expected a whole number from 1 on');
test(refused, () => wholeNumber('id')('1e3'), 'read id "1e3": expected a whole number from 0 on');
test(
	refused,
	() => fieldCodecs(['key.a=be16', 'key.a=be32']),
	'read field "key.a=be32": chosen twice',
);
test(
	refused,
	() => fieldCodecs(['key=be32', 'key.a=be16']),
	'read field "key.a=be16": chosen twice',
);
test(
	refused,
	() => fieldCodecs(['key.=be16']),
	'read field "key.=be16": expected key.FIELD=CODEC or value.FIELD=CODEC',
);

test('fields become a tree in the shape of key and value', t => {
	const {key, value} = fieldCodecs(['key.tuple.saddr=ipv4', 'key.tuple.port=be16', 'value=hex']);
	t.like(key, {tuple: {saddr: 'ipv4', port: 'be16'}});
	t.is(value, 'hex');
});

test('a number is an id, anything else a path', t => {
	t.deepEqual(reference('12'), {id: 12});
	t.deepEqual(reference('./12'), {path: './12'});
	t.deepEqual(collect('b', ['a']), ['a', 'b']);
	t.deepEqual([...hexBytes('0x0A:0b 0c')], [10, 11, 12]);
});
