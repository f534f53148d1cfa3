import {kernelTest} from '../helpers/kernel.js';
import {addon, guarded, makeMap} from './support.js';
import type {ExecutionContext} from 'ava';

const kernel = kernelTest({feature: 'user ring buffers', since: '6.1'});

const size = 4096;

function openRing(t: ExecutionContext, kind: 'ringbuf' | 'user_ringbuf'): number {
	const fd = makeMap(t, {type: kind, key: 0, value: 0, entries: size});
	const ring = kind === 'ringbuf' ? addon.ringOpen(fd) : addon.userRingOpen(fd);
	t.true(ring > 0, `opened: ${ring}`);
	t.teardown(() => addon.releaseMemory(ring));
	return ring;
}

function openEvent(t: ExecutionContext): number {
	const attr = new Uint8Array(112);
	const view = new DataView(attr.buffer);
	view.setUint32(0, 1, true);
	view.setBigUint64(8, 10n, true);
	const fd = addon.perfEventOpen(attr, '', -1, 0);
	t.true(fd > 0, `opened: ${fd}`);
	t.teardown(() => addon.closeFd(fd));
	return fd;
}

kernel('an empty ring fills the table with zeroes and nothing else', t => {
	const {bytes, intact} = guarded(64);
	const table = guarded(4 * 6);
	table.bytes.fill(9);
	t.is(addon.ringRead(openRing(t, 'ringbuf'), bytes, table.bytes), 0);
	t.deepEqual([...table.bytes.subarray(0, 16)], new Array<number>(16).fill(0));
	t.true(table.bytes.subarray(16).every(byte => byte === 9));
	t.true(intact() && table.intact());
});

kernel('a table that is too short or crooked is refused', t => {
	const ring = openRing(t, 'ringbuf');
	const bytes = new Uint8Array(64);
	for (const table of [new Uint8Array(20), new Uint8Array(64).subarray(1), new Uint8Array(0)]) {
		t.throws(() => addon.ringRead(ring, bytes, table), {instanceOf: RangeError});
	}
});

kernel('a ring of one kind is none of another', t => {
	const ring = openRing(t, 'ringbuf');
	const user = openRing(t, 'user_ringbuf');
	const bytes = new Uint8Array(64);
	t.throws(() => addon.userRingWrite(ring, bytes), {instanceOf: RangeError});
	t.throws(() => addon.ringRead(user, bytes, new Uint8Array(64)), {instanceOf: RangeError});
	t.throws(() => addon.perfRingRead(ring, bytes, new Uint8Array(64)), {instanceOf: RangeError});
	t.throws(() => addon.memoryRead(ring, 0, bytes), {instanceOf: RangeError});
	t.throws(() => addon.pollWait(ring), {instanceOf: RangeError});
	t.is(addon.ringOpen(makeMap(t)), -124);
	t.is(addon.userRingOpen(makeMap(t)), -124);
	t.throws(() => addon.ringOpen(1), {instanceOf: RangeError});
});

kernel('a user ring takes what fits, and says what never will', t => {
	const ring = openRing(t, 'user_ringbuf');
	t.is(addon.userRingWrite(ring, new Uint8Array(size - 7)), -7);
	t.is(addon.userRingWrite(ring, new Uint8Array(size - 8 - 16)), 0);
	t.is(addon.userRingWrite(ring, new Uint8Array(9)), -28);
	t.is(addon.userRingWrite(ring, new Uint8Array(8)), 0);
	t.is(addon.userRingWrite(ring, new Uint8Array(0)), -28);
});

kernel('the ring of an event is mapped and read', t => {
	const ring = addon.perfRingOpen(openEvent(t), 2);
	t.true(ring > 0);
	t.is(addon.perfRingRead(ring, new Uint8Array(64), new Uint8Array(64)), 0);
	t.is(addon.releaseMemory(ring), 0);
});

kernel('what is no event has no ring', t => {
	const fd = makeMap(t, {type: 'array', key: 4, value: 4096, entries: 4, flags: 1 << 10});
	t.throws(() => addon.perfRingOpen(fd, 1), {instanceOf: RangeError});
	t.throws(() => addon.perfRingOpen(0, 1), {instanceOf: RangeError});
	const event = openEvent(t);
	for (const pages of [0, 3, 2 ** 21]) {
		t.throws(() => addon.perfRingOpen(event, pages), {instanceOf: RangeError});
	}
});

kernel('a poller calls back once for each wait, and may be closed by its callback', async t => {
	const fd = openEvent(t);
	const ring = addon.perfRingOpen(fd, 1);
	t.teardown(() => addon.releaseMemory(ring));
	const user = makeMap(t, {type: 'user_ringbuf', key: 0, value: 0, entries: size});
	const poller = addon.pollOpen(() => t.fail('nothing is readable'));
	t.is(addon.pollAdd(poller, fd), 0);
	t.is(addon.pollAdd(poller, fd), -17, 'it is watched already');
	t.is(addon.pollAdd(poller, user), 0);
	t.is(addon.pollWait(poller), 0);
	await new Promise(resolve => setImmediate(resolve));
	t.is(addon.pollStop(poller), 0);
	t.is(addon.releaseMemory(poller), 0);
	t.throws(() => addon.pollWait(poller), {instanceOf: RangeError});
	t.throws(() => addon.pollOpen('no function' as never), {instanceOf: TypeError});
});

kernel('a poller that waits may be closed', async t => {
	const poller = addon.pollOpen(() => t.fail('it was closed'));
	t.is(addon.pollWait(poller), 0);
	t.is(addon.releaseMemory(poller), 0);
	await new Promise(resolve => setImmediate(resolve));
	t.throws(() => addon.pollStop(poller), {instanceOf: RangeError});
});
