import test from 'ava';

import {hostLittleEndian, wordsOf} from '../../src/base/bytes.js';

const bytes = Uint8Array.of(0xff, 1, 2, 3, 0x84, 5, 6, 7, 8, 9, 10);

const words = test.macro({
	exec(t, start: number, littleEndian: boolean, expected: number[]) {
		// Each start lies differently in its buffer.
		t.deepEqual([...wordsOf(bytes.subarray(start), littleEndian)], expected);
	},
	title: (_, start, littleEndian) =>
		`words of ${littleEndian ? 'little' : 'big'}-endian bytes from ${start}`,
});

test(words, 0, true, [0x03_02_01_ff, 0x07_06_05_84]);
test(words, 0, false, [0xff_01_02_03, 0x84_05_06_07]);
test(words, 1, true, [0x84_03_02_01, 0x08_07_06_05]);
test(words, 1, false, [0x01_02_03_84, 0x05_06_07_08]);
test(words, 8, true, []);

test('words of another byte order leave the bytes as they are', t => {
	const own = bytes.slice();
	t.is(wordsOf(own, !hostLittleEndian).length, 2);
	t.deepEqual(own, bytes);
});
