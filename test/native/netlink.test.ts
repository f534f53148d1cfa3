import test from 'ava';
import {kernelTest} from '../helpers/kernel.js';
import {addon, attrOf, netlinkRequest, u32} from './support.js';

const kernel = kernelTest({feature: 'rtnetlink', since: '4.12'});

kernel('an answer is whole, up to the acknowledgement', t => {
	const reply = addon.netlink(netlinkRequest(1), -1) as Uint8Array;
	const types = [];
	for (let at = 0; at < reply.length; at += u32(reply, at)) types.push(reply[at + 4]);
	t.deepEqual(types, [16, 2]);
});

kernel('a refusal is an answer', t => {
	const reply = addon.netlink(netlinkRequest(2 ** 31 - 1), -1) as Uint8Array;
	t.is(reply[4], 2);
	t.is(u32(reply, 16) | 0, -19);
});

kernel('a request that the kernel does not answer does not wait', t => {
	const request = attrOf(16, {0: 16});
	// NLMSG_NOOP without NLM_F_ACK.
	request.set([1, 0, 1, 0], 4);
	t.is(addon.netlink(request, -1), -11);
});

for (const length of [0, 1, 15, 17, 31, 33, 2 ** 32 - 1]) {
	test(`a request of 32 bytes that says ${length} is not sent`, t => {
		const request = netlinkRequest(1);
		new DataView(request.buffer).setUint32(0, length, true);
		t.throws(() => addon.netlink(request, -1), {instanceOf: RangeError});
	});
}

test('a request that is no message is not sent', t => {
	t.throws(() => addon.netlink(new Uint8Array(0), -1), {instanceOf: RangeError});
	t.throws(() => addon.netlink(new Uint8Array(4), -1), {instanceOf: RangeError});
});
