import {MappedNumber} from '../../../src/kernel/sys/memory.js';
import {perfOpenOutput} from '../../../src/kernel/sys/perf-output.js';
import {Poller} from '../../../src/kernel/sys/poller.js';
import {
	perfRingOpen,
	ringOpen,
	ringPending,
	ringRead,
	ringTable,
	userRingOpen,
	userRingWrite,
} from '../../../src/kernel/sys/ring.js';
import {onlineCpus} from '../../../src/kernel/host/cpus.js';
import {kernelTest} from '../../helpers/kernel.js';
import {addon, makeMap} from '../../native/support.js';

const kernel = kernelTest({feature: 'user ring buffers', since: '6.1'});

kernel('empty rings of both kinds are read', t => {
	const fd = makeMap(t, {type: 'ringbuf', key: 0, value: 0, entries: 4096});
	const event = perfOpenOutput(onlineCpus()[0] ?? 0, 1);
	t.teardown(() => addon.closeFd(event));
	const ring = new MappedNumber(ringOpen(fd), 'ring');
	const perf = new MappedNumber(perfRingOpen(event, 1), 'perf ring');
	const table = new Uint32Array(ringTable.first + 2).fill(7);
	const read = (kind: 'ring' | 'perf', from: MappedNumber): number =>
		ringRead(kind, from, new Uint8Array(64), new Uint8Array(table.buffer));
	t.is(read('ring', ring), 0);
	t.is(table[ringTable.more], 0);
	t.is(ringPending('ring', ring), 0);
	t.is(ringPending('perf', perf), 0);
	t.is(read('perf', perf), 0);
	ring.close();
	perf.close();
});

kernel('a user ring is written to until it is full', t => {
	const fd = makeMap(t, {type: 'user_ringbuf', key: 0, value: 0, entries: 4096});
	const ring = new MappedNumber(userRingOpen(fd), 'user ring');
	t.is(userRingWrite(ring, new Uint8Array(4088)), 0);
	t.is(userRingWrite(ring, new Uint8Array(1)), -28);
	ring.close();
});

kernel('a poller that is stopped or closed ends the wait', async t => {
	const fd = makeMap(t, {type: 'ringbuf', key: 0, value: 0, entries: 4096});
	const poller = new Poller('the poller of a test');
	t.is(poller.add(fd), 0);
	t.is(poller.add(fd), -17);
	const stopped = poller.wait();
	poller.stop();
	await stopped;
	const closed = poller.wait();
	poller.close();
	await closed;
	poller.close();
	poller.stop();
	await t.throwsAsync(poller.wait(), {code: 'ERR_USAGE'});
});
