import test from 'ava';
import {
	type FailedRelocation,
	nameFailures,
	poisonCall,
} from '../../../src/format/log/failed-relocation.js';

const failure = (slot: number): FailedRelocation => ({
	slot,
	relocation: 'field_exists',
	type: 'struct s',
	typeId: 1,
	field: 'a',
	access: '0:0',
	reason: `reason ${slot}`,
	candidates: [],
});

test('calls of numbers that stand for relocations are told as what failed', t => {
	const failures = [failure(4), failure(9)];
	const line = (number: number): string => `invalid func unknown#${number}\n`;
	t.deepEqual(nameFailures(`a\n${line(poisonCall + 1)}b`, failures), {
		log: 'a\nreason 9\nb',
		reached: failures[1],
	});
	t.deepEqual(nameFailures(line(poisonCall + 2), failures), {log: line(poisonCall + 2)});
	t.deepEqual(nameFailures(line(212), failures), {log: line(212)});
	t.deepEqual(nameFailures(line(poisonCall), []), {log: line(poisonCall)});
});
