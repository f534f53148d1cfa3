import test from 'ava';
import fc from 'fast-check';
import {
	attribute,
	Attributes,
	nestedAttribute,
	numberAttribute,
	textAttribute,
} from '../../../src/kernel/netlink/attributes.js';
import {readAnswer} from '../../../src/kernel/netlink/exchange.js';
import {NetlinkError} from '../../../src/kernel/netlink/netlink-error.js';

/** A message; numbers in host order, as netlink has them. */
function message(type: number, flags: number, ...parts: readonly Uint8Array[]): Uint8Array {
	const body = Buffer.concat(parts);
	const header = new Uint8Array(16);
	const view = new DataView(header.buffer);
	view.setUint32(0, 16 + body.length, true);
	view.setUint16(4, type, true);
	view.setUint16(6, flags, true);
	return Buffer.concat([header, body]);
}

const int32 = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);
const words = textAttribute(1, 'no such thing');

test('attributes are read as they were written', t => {
	const bytes = Buffer.concat([
		numberAttribute(1, 7),
		textAttribute(2, 'bpf'),
		nestedAttribute(3, [attribute(4, Uint8Array.of(9)), numberAttribute(5, -1)]),
	]);
	const attributes = new Attributes(bytes);
	t.is(bytes.length % 4, 0);
	t.is(attributes.u32(1), 7);
	t.is(attributes.text(2), 'bpf');
	t.is(attributes.nested(3).u8(4), 9);
	t.is(attributes.nested(3).u32(5), 0xff_ff_ff_ff);
	t.is(attributes.u32(6), undefined);
	t.is(attributes.u32(2), 0x66_70_62);
	t.is(attributes.nested(3).u32(4), undefined);
});

test('an attribute that its length cannot hold is refused', t => {
	t.throws(() => attribute(1, new Uint8Array(65_532)), {instanceOf: RangeError});
});

test('messages are given up to the acknowledgement', t => {
	const reply = Buffer.concat([
		message(16, 2, Uint8Array.of(1, 2, 3, 4)),
		message(16, 2),
		message(2, 0, int32(0), new Uint8Array(16)),
	]);
	const {messages, interrupted} = readAnswer({what: 'ask'}, reply);
	t.deepEqual(
		messages.map(({type, payload}) => [type, [...payload]]),
		[
			[16, [1, 2, 3, 4]],
			[16, []],
		],
	);
	t.false(interrupted);
});

test('a list that changed meanwhile says so', t => {
	const reply = Buffer.concat([message(16, 0x12), message(3, 2, int32(0))]);
	t.true(readAnswer({what: 'ask'}, reply).interrupted);
});

const refused = test.macro({
	exec(t, reply: Uint8Array, text: string, errno: number) {
		const error = t.throws(() => readAnswer({what: 'ask'}, reply), {instanceOf: NetlinkError});
		t.is(error.message, `ask: ${text}`);
		t.is(error.errno, errno);
	},
	title: (title = '') => title,
});

const request = message(18, 5, new Uint8Array(20));
test(
	'a refusal has the kernel’s words behind a capped request',
	refused,
	message(2, 0x3_00, int32(-22), request.subarray(0, 16), words),
	'no such thing (EINVAL)',
	22,
);
test(
	'a refusal has the kernel’s words behind a whole request',
	refused,
	message(2, 0x2_00, int32(-22), request, words),
	'no such thing (EINVAL)',
	22,
);
test(
	'a list that ends in a refusal has the kernel’s words',
	refused,
	message(3, 0x2_02, int32(-95), words),
	'no such thing (EOPNOTSUPP)',
	95,
);
test(
	'a refusal without words has those of the errno',
	refused,
	message(2, 0x1_00, int32(-19), request.subarray(0, 16)),
	'no such device (ENODEV)',
	19,
);
test('an answer without an end is refused', refused, message(16, 0), 'bad message (EBADMSG)', 74);
test('no answer is refused', refused, new Uint8Array(0), 'bad message (EBADMSG)', 74);

test('bytes of any kind are an answer or a refusal', t => {
	const read = fc.property(fc.uint8Array({maxLength: 200}), bytes => {
		try {
			for (const {payload} of readAnswer({what: 'ask'}, bytes).messages)
				new Attributes(payload).nested(3).u32(1);
			return true;
		} catch (error) {
			return error instanceof NetlinkError;
		}
	});
	t.notThrows(() => {
		fc.assert(read, {numRuns: 2000});
	});
});
