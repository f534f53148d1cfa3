/** A small object, read and loaded in a running process. */

import {Btf, loadCollection, parseObject} from '../src/index.js';
import {loadBtf} from '../src/object/btf/btf-object.js';
import {floor} from './floor.js';
import {compileBench} from './flows.js';
import {cpu, race} from './measure.js';
import {atLeast, figures, type Figure} from './report.js';

export async function benchLoad(rounds: number, repeats: number): Promise<Figure[]> {
	const file = await compileBench('small');
	const spec = parseObject(file, {name: 'small'});
	if (spec.types === undefined) throw new Error('bench/bpf/small.bpf.c has no types');
	const types = spec.types.bytes;
	// A process that runs: V8 has compiled what it calls.
	for (let i = 0; i < repeats * 10; i++)
		loadCollection(parseObject(file, {name: 'small'})).close();
	const repeat = (work: () => void) =>
		cpu(() => {
			for (let i = 0; i < repeats; i++) work();
			return repeats;
		});
	const whole = race(
		[
			['open + load + close: C libbpf', repeat(() => floor.loadObject(file))],
			[
				'open + load + close: skep',
				repeat(() => loadCollection(parseObject(file, {name: 'small'})).close()),
			],
			[
				'open + load + close: skep, parsed before',
				repeat(() => loadCollection(spec).close()),
			],
		],
		rounds,
	);
	const parse = race(
		[
			['open only: C libbpf', repeat(() => floor.openObject(file))],
			['open only: skep parseObject', repeat(() => parseObject(file, {name: 'small'}))],
		],
		rounds,
	);
	const btf = race(
		[
			['types to the kernel: C libbpf', repeat(() => floor.loadBtf(types))],
			['types to the kernel: skep', repeat(() => loadBtf(Btf.parse(types), 'small').close())],
		],
		rounds,
	);
	return figures([...whole, ...parse, ...btf], 'ms', {
		'open + load + close: skep': atLeast(0.33),
	});
}
