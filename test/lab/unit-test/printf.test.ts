import test from 'ava';
import fc from 'fast-check';
import {formatLog} from '../../../src/lab/unit-test/printf.js';

const formats = test.macro({
	exec(t, format: string, args: readonly bigint[], expected: string) {
		t.is(formatLog(format, args), expected);
	},
	title: (_, format: string, args: readonly bigint[], expected: string) =>
		`"${format}" of [${args.join(', ')}] is "${expected}"`,
});

test(formats, 'plain', [], 'plain');
test(formats, '%d and %i', [1n, 2n], '1 and 2');
test(formats, '%d', [0xff_ff_ff_fen], '-2');
test(formats, '%d', [0xff_ff_ff_ff_ff_ff_ff_fen], '-2');
test(formats, '%lld', [0xff_ff_ff_ff_ff_ff_ff_fen], '-2');
test(formats, '%u', [0xff_ff_ff_ff_ff_ff_ff_fen], '4294967294');
test(formats, '%llu', [0xff_ff_ff_ff_ff_ff_ff_fen], '18446744073709551614');
test(formats, '%hhu %hd', [0x1_ffn, 0xff_ffn], '255 -1');
test(formats, '%x %X %#x', [255n, 255n, 255n], 'ff FF 0xff');
test(formats, '%#x', [0n], '0');
test(formats, '%#o', [8n], '010');
test(formats, '[%5d] [%-5d] [%05d] [%+d]', [42n, 42n, -42n, 42n], '[   42] [42   ] [-0042] [+42]');
test(formats, '%08x %.4u', [0xbeefn, 7n], '0000beef 0007');
test(formats, '%c%c', [104n, 105n], 'hi');
test(formats, '%p', [0xffff_8880_0000_0000n], '0xffff888000000000');
test(formats, '%s', [0x10n], '0x10');
test(
	formats,
	'%pI4',
	[BigInt(new Uint32Array(Uint8Array.of(192, 0, 2, 1).buffer)[0] ?? 0)],
	'192.0.2.1',
);
test(formats, '100%% of %d', [3n], '100% of 3');
test(formats, 'x % 7 == 1', [], 'x % 7 == 1');
test(formats, '%d %d', [1n], '1 %d');
test(formats, 'more', [1n, 255n], 'more [0x1, 0xff]');
test(formats, '%n %y', [], '%n %y');
test(formats, '%c', [27n], '\ufffd');

test('any format and any arguments give a line without control characters', t => {
	const format = fc.oneof(
		fc.string(),
		fc.stringMatching(/^(%[-+ #0]*\d{0,4}(\.\d{0,4})?[a-zA-Z%]){0,8}$/),
	);
	fc.assert(
		fc.property(format, fc.array(fc.bigInt(0n, 2n ** 64n - 1n)), (text, args) =>
			/^[^\p{Cc}]*$/u.test(formatLog(text.replaceAll('\t', ' '), args)),
		),
	);
	t.pass();
});
