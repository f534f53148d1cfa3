import test from 'ava';
import type {Combination, Parameters} from '../../../src/lab/experiment/parameters.js';
import {combinationsOf} from '../../../src/lab/experiment/parameters.js';
import type {ReportData} from '../../../src/lab/experiment/report.js';
import {axisNames, isWide, logTicks, seriesOf} from '../../../src/lab/experiment/series.js';
import {summarize} from '../../../src/lab/experiment/statistics.js';

/** Each combination measured three times around what `value` says; not where it is undefined. */
function dataOf(
	parameters: Parameters,
	value: (combination: Combination) => number | undefined,
): ReportData {
	const summary = combinationsOf(parameters).map(one => {
		const middle = value(one);
		const statistics =
			middle === undefined ? {} : {latency: summarize([middle - 2, middle, middle + 2])};
		return {parameters: one, statistics};
	});
	return {parameters, units: {}, names: ['latency'], summary};
}

test('a chart goes along the numbers with the most values, then along words', t => {
	const one = {kind: ['a', 'b', 'c', 'd'], size: [1, 2], count: [1, 2, 3], fixed: [7]};
	t.deepEqual(axisNames(dataOf(one, () => 1)), ['count', 'size', 'kind']);
	t.deepEqual(axisNames(dataOf({fixed: [7]}, () => 1)), ['fixed']);
	t.deepEqual(axisNames(dataOf({}, () => 1)), []);
});

test('each combination of the other parameters is a line, from the least number on', t => {
	const parameters = {size: [100, 1, 10], kind: ['a', 'b'], fixed: [7]};
	const data = dataOf(parameters, ({size, kind}) => Number(size) + (kind === 'b' ? 0.5 : 0));
	const {values, series} = seriesOf(data, 'latency', 'size');
	t.deepEqual(values, [1, 10, 100]);
	t.deepEqual(
		series.map(({label, points}) => [label, points.map(({x, median}) => [x, median])]),
		[
			['kind=a', [1, 10, 100].map(x => [x, x])],
			['kind=b', [1, 10, 100].map(x => [x, x + 0.5])],
		],
	);
	t.like(series[0]?.points[0], {q1: 0, q3: 2});
});

test('words stand in the order given, and what was not measured is no point', t => {
	const parameters = {kind: ['z', 'a', 5], size: [1, 2]};
	const data = dataOf(parameters, ({kind, size}) => (kind === 'z' ? undefined : Number(size)));
	const {values, series} = seriesOf(data, 'latency', 'kind');
	t.deepEqual(values, ['z', 'a', 5]);
	t.deepEqual(
		series.map(({label, points}) => [label, points.map(({x}) => x)]),
		[
			['size=1', [1, 2]],
			['size=2', [1, 2]],
		],
	);
});

test('a scale is logarithmic where values lie far apart and are positive', t => {
	t.true(isWide([1, 1000]));
	t.false(isWide([1, 10]));
	t.false(isWide([0, 1000]));
	t.false(isWide([-1, 1000]));
});

test('a logarithmic axis has round numbers', t => {
	t.deepEqual(logTicks(30, 2500), [50, 100, 200, 500, 1000, 2000]);
	t.deepEqual(logTicks(3, 99_999), [10, 100, 1000, 10_000]);
	t.deepEqual(logTicks(0.0009, 0.011), [0.001, 0.002, 0.005, 0.01]);
});
