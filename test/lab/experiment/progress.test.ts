import test from 'ava';
import {combinationsOf} from '../../../src/lab/experiment/parameters.js';
import {Progress} from '../../../src/lab/experiment/progress.js';
import {Tally} from '../../../src/lab/experiment/tally.js';

const combinations = combinationsOf({size: [1, 1000]});

function begin(stream: {isTTY?: boolean; columns?: number} = {}) {
	const written: string[] = [];
	let now = 0;
	const clock = {pass: (milliseconds: number) => (now += milliseconds)};
	const write = (text: string) => written.push(text);
	const progress = new Progress('lookup', {...stream, write}, () => now);
	const tally = new Tally(combinations, 5);
	const [small, large] = combinations;
	if (!small || !large) throw new Error('two combinations');
	return {written, clock, progress, tally, small, large};
}

test('the time left counts each combination by what it took itself', t => {
	const {progress, tally, small, large} = begin();
	t.is(progress.left(tally.left()), undefined);
	progress.took(small, 10);
	progress.took(large, 2000);
	tally.measured(small, 0);
	tally.measured(large, 0);
	t.is(progress.left(tally.left()), 4 * 10 + 4 * 2000);
	tally.failed(large);
	t.is(progress.left(tally.left()), 4 * 10);
	tally.warmUps = 2;
	t.is(progress.left(tally.left()), 6 * 10);
});

test('a terminal has one line that changes, and fits', t => {
	const {written, progress, tally, small, large} = begin({isTTY: true, columns: 200});
	progress.show(tally, small);
	progress.took(small, 90_000);
	tally.measured(small, 0);
	progress.show(tally, large);
	progress.round(tally);
	progress.clear();
	progress.clear();
	t.deepEqual(written, [
		'\rlookup  0/10  0%  size=1\u001b[K',
		'\rlookup  1/10  10%  13:30 left  size=1000\u001b[K',
		'\r\u001b[K',
	]);
});

test('a line is cut to the terminal, and to 80 columns where it is wider', t => {
	const [long] = combinationsOf({text: ['x'.repeat(300)]});
	if (!long) throw new Error('a combination');
	for (const [columns, size] of [
		[40, 39],
		[0, 79],
		[200, 79],
	] as const) {
		const {written, progress, tally} = begin({isTTY: true, columns});
		progress.show(tally, long);
		t.is(written.join('').replace('\r', '').replace('\u001b[K', '').length, size);
	}
});

test('elsewhere lines stay, and are few', t => {
	const {written, clock, progress, tally, small, large} = begin();
	for (let round = 0; round < 5; round++) {
		for (const one of [small, large]) {
			progress.show(tally, one);
			clock.pass(500);
			progress.took(one, 500);
			tally.measured(one, round);
		}

		progress.round(tally);
	}

	t.deepEqual(written, [
		'lookup  4/10  40%  0:03 left\n',
		'lookup  8/10  80%  0:01 left\n',
		'lookup  10/10  100%\n',
	]);
});

test('what is said takes the changing line away, and steers no terminal', t => {
	const {written, progress, tally, small} = begin({isTTY: true});
	progress.show(tally, small);
	progress.say('failed: \u001b[2J\nno');
	t.deepEqual(written.slice(1), ['\r\u001b[K', 'lookup: failed: \ufffd[2J\ufffdno\n']);
});
