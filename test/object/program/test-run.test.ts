import test from 'ava';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {enableProgramStats} from '../../../src/object/program/program.js';
import {readObject} from '../../../src/spec/read.js';
import {fixtureObject} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'test runs of XDP programs', since: '5.4'});

const verdict = test.macro({
	async exec(t, name: string, value: number) {
		const spec = await readObject(await fixtureObject('kernel/globals'));
		spec.variables['verdict']?.set(value);
		using collection = loadCollection(spec);
		const result = collection.program('count_packets').run({data: new Uint8Array(100)});
		t.is(result.verdict, name);
		t.is(result.returnValue, value);
		t.is(result.data.length, 100);
	},
	title: (_, name, value) => `verdict ${value} of XDP is ${name}`,
});

kernel(verdict, 'aborted', 0);
kernel(verdict, 'drop', 1);
kernel(verdict, 'pass', 2);
kernel(verdict, 'tx', 3);
kernel(verdict, 'redirect', 4);
kernel(verdict, 'unknown(99)', 99);

kernel('a run changes the variables it should', async t => {
	const collection = await loadFixture(t, 'kernel/globals');
	collection.program('count_packets').run({data: new Uint8Array(100), repeat: 10});
	const value = (name: string) => collection.variable(name).get();
	t.is(value('packets'), 10n);
	t.is(value('bytes'), 1000n);
	t.is(value('initial_u8'), 0x8a);
	t.is(value('initial_s8'), -12);
	t.is(value('initial_u16'), 8);
	t.is(value('initial_s32'), -5);
	t.is(value('initial_s64'), -(1n << 40n));
	t.is(value('initial_mode'), 'MODE_ON');
	t.deepEqual(value('initial_array'), [1, 2, 3, 4]);
	t.deepEqual(value('last_limits'), {
		kind: 3,
		pad: [0, 0, 0],
		rate: 1004,
		burst: -5n & ((1n << 64n) - 1n),
	});
});

const refused = test.macro({
	async exec(t, options: {data?: Uint8Array; repeat?: number}, message: RegExp) {
		const collection = await loadFixture(t, 'kernel/globals');
		t.throws(() => collection.program('count_packets').run(options), {message});
	},
	title: (_, __, message: RegExp) => `a run is refused: ${message.source}`,
});

kernel(
	refused,
	{data: new Uint8Array(4)},
	/a packet has at least the 14 bytes of an Ethernet header, got 4$/,
);
kernel(refused, {repeat: 0}, /repeat must be a positive whole number$/);

kernel('a type that cannot be run by hand says so', async t => {
	const collection = await loadFixture(t, 'kernel/cgroup', {programs: ['count_sockops']});
	t.throws(() => collection.program('count_sockops').run(), {
		message:
			'run program "count_sockops": the kernel cannot run programs of type sock_ops by hand',
	});
});

const stats = kernelTest({feature: 'program statistics', since: '5.8', serial: true});

stats('runs and their time are counted while statistics are on', async t => {
	const collection = await loadFixture(t, 'kernel/globals');
	const program = collection.program('count_packets');
	{
		using counting = enableProgramStats();
		program.run({repeat: 100});
		t.is(typeof counting.close, 'function');
	}

	const counted = program.stats();
	t.true(counted.runCount >= 100n);
	t.true(counted.runTime > 0n);
	t.is(counted.recursionMisses, 0n);
});
