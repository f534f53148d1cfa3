import fc from 'fast-check';
import test from 'ava';

import {nextGcInterval} from '../../../src/datapath/index.js';
import {
	schedulePass,
	type GcPassed,
	type GcSchedule,
} from '../../../src/datapath/conntrack/gc-schedule.js';

const next = test.macro({
	exec(t, interval: number, ratio: number, options: object, seconds: number) {
		t.is(nextGcInterval(interval, ratio, options), seconds);
	},
	title: (_, interval, ratio, options, seconds) =>
		`${interval} s with ${ratio} deleted become ${seconds} ${JSON.stringify(options)}`,
});

test(next, 300, 0, {}, 300);
test(next, 300, 0.001, {}, 450);
test(next, 300, 0.049, {}, 450);
test(next, 300, 0.05, {}, 300);
test(next, 300, 0.25, {}, 300);
test(next, 300, 0.26, {}, 222);
test(next, 300, 0.5, {}, 150);
test(next, 300, 0.9, {}, 30);
test(next, 300, 1, {}, 30);
test(next, 15, 1, {}, 10);
test(next, 10, 0.3, {}, 10);
test(next, 33, 0.01, {}, 50);
test(next, 40_000, 0.01, {}, 43_200);
test(next, 43_200, 0.01, {}, 43_200);
test(next, 300, 0.01, {maxInterval: 400}, 400);
test(next, 300, 0, {maxInterval: 200}, 200);
test(next, 300, 0.01, {maxInterval: 0}, 450);
// A pass before its time counts as if it had found as much in each part of the time.
test(next, 300, 0.1, {elapsed: 100}, 210);
test(next, 300, 0.01, {elapsed: 60}, 300);
test(next, 300, 0.01, {elapsed: 30}, 300);
test(next, 300, 0.2, {elapsed: 1}, 30);
test(next, 300, 0.01, {elapsed: 400}, 450);

test('an interval is always whole and within its bounds', t => {
	fc.assert(
		fc.property(
			fc.integer({min: 10, max: 43_200}),
			fc.double({min: 0, max: 1, noNaN: true}),
			fc.double({min: 0.001, max: 1e5, noNaN: true}),
			(interval, ratio, elapsed) => {
				const seconds = nextGcInterval(interval, ratio, {elapsed});
				return Number.isInteger(seconds) && seconds >= 10 && seconds <= 43_200;
			},
		),
	);
	t.pass();
});

const schedule = test.macro({
	exec(t, before: GcSchedule, pass: GcPassed, pace: object, wait: number, deadline: number) {
		const {schedule: after, wait: seconds} = schedulePass(before, pass, pace);
		t.is(seconds, wait);
		t.is(after.deadline, deadline);
		t.is(after.last, pass.at);
	},
	title: (name = '') => name,
});

const begun = {interval: 300, last: 1000, deadline: 1300};
test('the first pass', schedule, {interval: 300}, {at: 5, ratio: 0, full: true}, {}, 300, 305);
test(
	'a full pass puts the deadline off',
	schedule,
	begun,
	{at: 1300, ratio: 0.01, full: true},
	{},
	450,
	1750,
);
test(
	'a partial pass leaves the deadline',
	schedule,
	begun,
	{at: 1100, ratio: 0, full: false},
	{},
	200,
	1300,
);
test(
	'a partial pass that found much is followed sooner',
	schedule,
	begun,
	{at: 1100, ratio: 0.3, full: false},
	{},
	30,
	1300,
);
test(
	'a pass that failed at its deadline is tried again in ten seconds',
	schedule,
	begun,
	{at: 1300, ratio: 0, full: false},
	{},
	10,
	1310,
);
test(
	'a given interval is kept',
	schedule,
	begun,
	{at: 1300, ratio: 1, full: true},
	{interval: 60},
	60,
	1360,
);
