import test from 'ava';
import {kernelTest} from '../helpers/kernel.js';
import {addon, detach, guarded, makeMap, resizable} from './support.js';
import type {ExecutionContext} from 'ava';

const kernel = kernelTest({feature: 'memory of array maps', since: '5.5'});

const mmapable = 1 << 10;
const pageSize = addon.pageSize();

function makeArray(t: ExecutionContext, entries = 4): number {
	return makeMap(t, {type: 'array', key: 4, value: 8, entries, flags: mmapable});
}

const filled = (byte: number): Uint8Array => new Uint8Array(8).fill(byte);

function mapArray(t: ExecutionContext, fd: number, writable: 0 | 1 = 1): number {
	const memory = addon.memoryMap(fd, 0, pageSize, writable);
	t.true(memory > 0, `mapped: ${memory}`);
	t.teardown(() => addon.releaseMemory(memory));
	return memory;
}

kernel('reading fills the buffer and nothing beside it', t => {
	const fd = makeArray(t);
	const memory = mapArray(t, fd);
	addon.mapUpdate(fd, Uint8Array.of(1, 0, 0, 0), new Uint8Array(8).fill(7), 0);
	for (const size of [0, 1, 2, 3, 4, 7, 8]) {
		const {bytes, intact} = guarded(size);
		t.is(addon.memoryRead(memory, 8, bytes), 0);
		t.true(bytes.every(byte => byte === 7));
		t.true(intact());
	}
});

const outside = test.macro({
	exec(t, offset: number, size: number) {
		const memory = mapArray(t, makeArray(t));
		const bytes = new Uint8Array(size);
		t.throws(() => addon.memoryRead(memory, offset, bytes), {instanceOf: RangeError});
		t.throws(() => addon.memoryWrite(memory, offset, bytes), {instanceOf: RangeError});
	},
	title: (_, offset: number, size: number) => `${size} bytes at ${offset} of a page are refused`,
});

kernel(outside, pageSize, 1);
kernel(outside, pageSize - 7, 8);
kernel(outside, 0, pageSize + 1);
kernel(outside, 2 ** 47, 8);

kernel('numbers that are no places are refused', t => {
	const memory = mapArray(t, makeArray(t));
	for (const offset of [-1, 0.5, NaN, 2 ** 60]) {
		t.throws(() => addon.memoryRead(memory, offset, new Uint8Array(1)), {
			instanceOf: TypeError,
		});
	}
});

kernel('buffers that are gone are copied nowhere', t => {
	const memory = mapArray(t, makeArray(t));
	const gone = new Uint8Array(8);
	detach(gone);
	t.is(addon.memoryRead(memory, 0, gone), 0);
	const {bytes, shrink} = resizable(8);
	shrink(0);
	t.is(addon.memoryWrite(memory, 0, bytes), 0);
});

kernel('read-only memory is not written to', t => {
	const memory = mapArray(t, makeArray(t), 0);
	t.is(addon.memoryWrite(memory, 0, new Uint8Array(8)), -13);
});

kernel('more than the map has is not mapped', t => {
	t.is(addon.memoryMap(makeArray(t), 0, pageSize * 2, 1), -22);
	t.is(addon.memoryMap(makeArray(t), 0, 0, 1), -22);
});

kernel('a part of a map is mapped, from a page on', t => {
	const fd = makeArray(t, (pageSize / 8) * 3);
	addon.mapUpdate(fd, new Uint8Array(Uint32Array.of(pageSize / 8 + 1).buffer), filled(9), 0);
	const memory = addon.memoryMap(fd, pageSize, pageSize, 0);
	t.teardown(() => addon.releaseMemory(memory));
	const bytes = new Uint8Array(8);
	t.is(addon.memoryRead(memory, 8, bytes), 0);
	t.deepEqual(bytes, filled(9));
	t.throws(() => addon.memoryRead(memory, pageSize, bytes), {instanceOf: RangeError});
	t.is(addon.memoryMap(fd, 8, pageSize, 0), -22);
	t.is(addon.memoryMap(fd, pageSize, pageSize * 3, 0), -22);
	t.is(addon.memoryMap(fd, 2 ** 31, pageSize, 0), -22);
});

kernel('what is released, is not there any more', t => {
	const memory = addon.memoryMap(makeArray(t), 0, pageSize, 1);
	t.is(addon.releaseMemory(memory), 0);
	t.is(addon.releaseMemory(memory), -9);
	t.throws(() => addon.memoryRead(memory, 0, new Uint8Array(1)), {instanceOf: RangeError});
	const next = addon.memoryMap(makeArray(t), 0, pageSize, 1);
	t.not(next, memory);
	addon.releaseMemory(next);
});

kernel('only array maps that were opened here are mapped', t => {
	t.is(addon.memoryMap(makeMap(t), 0, pageSize, 1), -95);
	t.throws(() => addon.memoryMap(0, 0, pageSize, 1), {instanceOf: RangeError});
});
