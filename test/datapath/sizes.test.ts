import test from 'ava';

import {UsageError} from '../../src/base/errors.js';
import {mapSizes, type MapSizes, type SizeOptions} from '../../src/datapath/sizes.js';

const gigabyte = 1024 ** 3;

const sizes = test.macro({
	exec(t, options: SizeOptions, expected: readonly number[]) {
		const {conntrackTcp, conntrackAny, nat, neighbours, socketReverseNat} = mapSizes(options);
		t.deepEqual([conntrackTcp, conntrackAny, nat, neighbours, socketReverseNat], expected);
	},
	title: (_, options) => `sizes of ${JSON.stringify(options)}`,
});

// The node that the rule is published for.
test(sizes, {memory: 16_258_050_000}, [143_622, 71_811, 143_622, 143_622, 71_811]);
test(sizes, {memory: 8 * gigabyte}, [131_072, 65_536, 131_072, 131_072, 65_536]);
test(sizes, {memory: 16 * gigabyte}, [151_765, 75_882, 151_765, 151_765, 75_882]);
test(sizes, {memory: 64 * gigabyte}, [607_062, 303_531, 607_062, 607_062, 303_531]);
test(sizes, {memory: 512 * gigabyte}, [4_856_500, 2_428_250, 4_856_500, 4_856_500, 2_428_250]);
test(
	sizes,
	{memory: 64 * gigabyte, conntrackTcp: 1024},
	[1024, 303_531, 203_036, 203_036, 303_531],
);
test(
	sizes,
	{memory: gigabyte, ratio: 1, conntrackAny: 2048},
	[3_794_140, 2048, 3_794_140, 3_794_140, 1_897_070],
);

const refused = test.macro({
	exec(t, options: SizeOptions) {
		t.throws(() => mapSizes(options), {instanceOf: UsageError});
	},
	title: (_, options) => `no sizes of ${JSON.stringify(options)}`,
});

test(refused, {ratio: 0});
test(refused, {ratio: 1.5});
test(refused, {ratio: Number.NaN});
test(refused, {conntrackTcp: 1000});
test(refused, {nat: 20_000_000});
test(refused, {conntrackTcp: 2048, conntrackAny: 2048, nat: 8192});
test(refused, {neighbours: 1.5} satisfies Partial<MapSizes>);
