import test from 'ava';

import {lineRecords, linesBySlot, linesWithin} from '../../src/spec/line-records.js';
import {parseObject} from '../../src/spec/read.js';
import {object} from './corpus.js';

test('records are what the lines of a program say, also once it is a copy', async t => {
	const {programs, types} = parseObject(await object('linking'));
	for (const program of Object.values(programs)) {
		const records = lineRecords(program);
		t.true(records.length > 0);
		const {lines} = program;
		t.is(program.lines, lines);
		t.true(lines.every(({textOffset}) => types?.string(textOffset) !== undefined));
		t.deepEqual(lineRecords({lines}), records);
		t.deepEqual(lineRecords({...program}), records);
		t.deepEqual(lineRecords({...program, lines: lines.slice(1)}), records.slice(4));
	}
});

test('records are put in order, those of one slot as they stood', t => {
	const records = Uint32Array.of(2, 1, 0, 0, 1, 2, 0, 0, 2, 3, 0, 0);
	t.deepEqual(linesBySlot(records), Uint32Array.of(1, 2, 0, 0, 2, 1, 0, 0, 2, 3, 0, 0));
});

test('records of a range are those that begin in it', t => {
	const records = Uint32Array.of(1, 9, 0, 0, 3, 9, 0, 0, 3, 8, 0, 0, 5, 9, 0, 0);
	t.deepEqual(linesWithin(records, 2, 5), records.subarray(4, 12));
	t.deepEqual(linesWithin(records, 0, 1), new Uint32Array(0));
	t.deepEqual(linesWithin(records, 0, 9), records);
});
