import test from 'ava';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {createMap} from '../../../src/object/map/create-map.js';
import {readObject} from '../../../src/spec/read.js';
import {fixtureObject} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'memory of data sections', since: '5.5'});

kernel('variables are live: what is set, the program sees, and the other way round', async t => {
	const collection = await loadFixture(t, 'kernel/globals');
	const packets = collection.variable('packets');
	packets.set(1n << 40n);
	collection.program('count_packets').run();
	t.is(packets.get(), (1n << 40n) + 1n);
	collection.variable('initial_array').set([1, 2, 3, 50]);
	collection.program('count_packets').run();
	t.like(collection.variable('last_limits').get(), {kind: 3, rate: 1050});
	t.is(packets.access, 'memory');
	t.is(collection.variable('verdict').access, 'memory');
});

const typed = test.macro({
	async exec(t, name: string, before: unknown, after: unknown) {
		const collection = await loadFixture(t, 'kernel/globals');
		const others = Object.values(collection.variables).filter(each => each.name !== name);
		const rest = others.map(each => each.get());
		const variable = collection.variable(name);
		t.deepEqual(variable.get(), before);
		variable.set(after);
		t.deepEqual(variable.get(), after);
		t.deepEqual(
			others.map(each => each.get()),
			rest,
			'nothing beside it changed',
		);
	},
	title: (_, name: string) => `variable ${name} is read and written by its type`,
});

kernel(typed, 'initial_u8', 0x80, 1);
kernel(typed, 'initial_s8', -2, -3);
kernel(typed, 'initial_u16', 0xfffe, 5);
kernel(typed, 'initial_s32', -5, 5);
kernel(typed, 'initial_s64', -(1n << 40n), 1n << 50n);
kernel(typed, 'initial_mode', 'MODE_ON', 'MODE_OFF');
kernel(typed, 'initial_array', [1, 2, 3, 4], [9, 8, 7, 6]);
kernel(
	typed,
	'last_limits',
	{kind: 0, pad: [0, 0, 0], rate: 0, burst: 0n},
	{
		...{kind: 1, pad: [1, 2, 3], rate: 2, burst: 3n},
	},
);

kernel('a constant is read and not set', async t => {
	const collection = await loadFixture(t, 'kernel/globals');
	t.throws(() => collection.variable('verdict').set(1), {
		code: 'ERR_USAGE',
		message: /^set variable "verdict": it is a constant/,
	});
	t.is(collection.variable('verdict').get(), 2);
});

kernel('a value that does not fit changes nothing', async t => {
	const collection = await loadFixture(t, 'kernel/globals');
	const variable = collection.variable('initial_u16');
	t.throws(() => variable.set(70_000), {code: 'ERR_CODEC'});
	t.is(variable.get(), 0xfffe);
});

kernel('a section that is no memory is read and written as an element', async t => {
	const spec = await readObject(await fixtureObject('kernel/globals'));
	const data = spec.maps['.data'];
	if (data === undefined) return t.fail();
	const {contents = new Uint8Array(0), ...plain} = data;
	using map = createMap({...plain, valueTypeId: 0});
	map.raw.set(new Uint8Array(4), contents);
	using collection = loadCollection(spec, {replaceMaps: {'.data': map}});
	const variable = collection.variable('initial_u16');
	t.is(variable.access, 'element');
	t.is(variable.get(), 0xfffe);
	variable.set(7);
	t.is(variable.get(), 7);
	t.is(collection.variable('initial_u8').get(), 0x80);
});

kernel('after close, a variable says that it is closed', async t => {
	const collection = await loadFixture(t, 'kernel/globals');
	const variable = collection.variable('packets');
	variable.get();
	collection.close();
	t.throws(() => variable.get(), {code: 'ERR_USAGE', message: /it is closed$/});
});
