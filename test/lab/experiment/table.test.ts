import test from 'ava';
import {resultOf} from '../../../src/lab/experiment/result.js';
import {experimentTable} from '../../../src/lab/experiment/table.js';
import {duration, fit, formatNumber} from '../../../src/lab/experiment/text.js';
import {definitionOf, measurement} from './definition.js';

test('a table has medians and spread, and says once what does not change', t => {
	const definition = definitionOf({
		parameters: {family: ['ipv4', 'ipv6'], entries: [1, 1000], mode: ['xdp']},
	});
	const measurements = ['ipv4', 'ipv6'].flatMap(family =>
		[1, 1000].flatMap(entries =>
			[0, 1, 2].map(round =>
				measurement({family, entries, mode: 'xdp'}, round, {
					latency: entries + round,
					rate: 1 / entries,
				}),
			),
		),
	);
	const result = resultOf(definition, 3, {latency: 'ns'}, measurements, []);
	t.is(
		experimentTable({...result, finished: '2030-01-02T03:04:05.678Z'}),
		`lookup
mode=xdp
Linux 6.18.0, 2 × Processor
2030-01-02, skep 1.0.0, node v20.20.0

latency, ns
family  entries  median  ± mad     q1     q3  n
ipv4          1   2.000  1.000  1.500  2.500  3
ipv4       1000    1001  1.000   1001   1002  3
ipv6          1   2.000  1.000  1.500  2.500  3
ipv6       1000    1001  1.000   1001   1002  3

rate
family  entries    median  ± mad        q1        q3  n
ipv4          1     1.000      0     1.000     1.000  3
ipv4       1000  0.001000      0  0.001000  0.001000  3
ipv6          1     1.000      0     1.000     1.000  3
ipv6       1000  0.001000      0  0.001000  0.001000  3
`,
	);
});

test('no line of a table is wider than a terminal', t => {
	const text = 'long value '.repeat(20);
	const definition = definitionOf({parameters: {first: [text, 'b'], second: [text, 'd']}});
	const one = measurement({first: text, second: text}, 0, {['latency'.repeat(20)]: 1 / 3});
	const lines = experimentTable(resultOf(definition, 1, {}, [one], [])).split('\n');
	t.deepEqual(
		lines.filter(line => line.length > 80),
		[],
	);
	t.true(lines.some(line => line.includes('0.3333')));
	t.true(lines.includes('not all of it is measured yet'));
});

const says = test.macro({
	exec: (t, said: string, text: string) => t.is(said, text),
	title: (_, __, text) => `numbers for people: ${text}`,
});

test(says, formatNumber(0), '0');
test(says, formatNumber(0.012341), '0.01234');
test(says, formatNumber(-12.3456), '-12.35');
test(says, formatNumber(123456.7), '123457');
test(says, formatNumber(1e-9), '1.000e-9');
test(says, formatNumber(1e20), '1.000e+20');
test(says, duration(1), '0:01');
test(says, duration(750_000), '12:30');
test(says, duration(3 * 3_600_000 + 5 * 60_000), '3:05:00');
test(says, fit('one line', 5), 'one …');
test(says, fit('🐝🐝🐝', 3), '🐝🐝🐝');
