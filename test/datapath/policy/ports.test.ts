import test from 'ava';
import fc from 'fast-check';

import {formatPorts, parsePorts, splitRange} from '../../../src/datapath/policy/ports.js';

test('a range is split into prefixes that cover each of its ports once and no other', t => {
	const range = fc
		.tuple(fc.nat(0xffff), fc.nat(0xffff))
		.map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
	fc.assert(
		fc.property(range, ([first, last]) => {
			let next = first;
			for (const {port, bits} of splitRange(first, last)) {
				const size = 2 ** (16 - bits);
				if (port !== next || port % size !== 0) return false;
				next += size;
			}

			return next === last + 1;
		}),
	);
	t.pass();
});

const splits = test.macro({
	exec(t, first: number, last: number, ...expected: readonly string[]) {
		t.deepEqual(
			splitRange(first, last).map(prefix => formatPorts(prefix) ?? 'all'),
			expected,
		);
	},
	title: (_, first, last, ...expected) => `${first}-${last} is ${expected.join(', ')}`,
});

test(splits, 80, 80, '80');
test(splits, 0, 65_535, 'all');
test(splits, 8000, 8191, '8000-8063', '8064-8191');
test(splits, 8000, 8002, '8000-8001', '8002');
test(splits, 65_534, 65_535, '65534-65535');

test('ports are one number or a range', t => {
	t.deepEqual(parsePorts(80), [80, 80]);
	t.deepEqual(parsePorts('443'), [443, 443]);
	t.deepEqual(parsePorts('8000-8999'), [8000, 8999]);
	t.deepEqual(parsePorts('0-65535'), [0, 65_535]);
});

const refuses = test.macro({
	exec(t, ports: string | number) {
		t.throws(() => parsePorts(ports), {code: 'ERR_USAGE', message: /^read ports /});
	},
	title: (_, ports) => `${JSON.stringify(ports)} is no range of ports`,
});

for (const ports of [0, 65_536, -1, 1.5, '', '80-', '90-80', '1-65536', 'http', '0x50']) {
	test(refuses, ports);
}
