import test from 'ava';
import {VerifierError} from '../../../src/format/log/verifier-error.js';
import {
	loadCollection,
	loadCollectionAsync,
} from '../../../src/object/collection/load-collection.js';
import {openProgramById, openPinnedProgram} from '../../../src/object/program/program.js';
import {readObject} from '../../../src/spec/read.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {fixtureObject} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'programs with types', since: '5.4'});

const refused = test.macro({
	async exec(t, name: string, message: RegExp) {
		const spec = await readObject(await fixtureObject(`kernel/refused/${name}`));
		const error = t.throws(() => loadCollection(spec), {instanceOf: VerifierError});
		t.regex(error.message, message);
		t.true(error.log.length > 0);
		await t.throwsAsync(async () => loadCollectionAsync(spec), {message: error.message});
	},
	title: (_, name) => `${name} is refused with the line that says why`,
});

kernel(
	refused,
	'null_check',
	/^load program "\w+": permission denied: R\d invalid mem access 'map_value_or_null' at .*:\d+$/,
);
kernel(refused, 'out_of_bounds', /^load program "\w+": permission denied: .* at .*:\d+$/);
kernel(refused, 'uninitialised', /^load program "\w+": permission denied: R\d !read_ok at .*:\d+$/);
kernel(refused, 'bad_return', /^load program "\w+": (permission denied|invalid argument): .*R0/);
kernel(refused, 'unbounded_loop', /^load program "\w+": /);
kernel(refused, 'too_complex', /^load program "\w+": too complex: /);

kernel('every way of calling arrives', async t => {
	const collection = await loadFixture(t, 'kernel/calls');
	const weights = collection.map('weights');
	weights.set(2, 40);
	t.is(collection.program('calls').run().verdict, 'drop');
	t.is(collection.variable('reached').get(), 0b1_1111);
	t.is(collection.variable('loop_sum').get(), 45);
	t.is(collection.variable('weight_sum').get(), 0 + 1 + 2 + 3 + 40);
	t.is(collection.program('misses').run().verdict, 'pass');
	t.is(collection.variable('reached').get(), 0b11_1111);
});

kernel('a program that is asked for alone is loaded alone', async t => {
	const collection = await loadFixture(t, 'kernel/calls', {programs: ['misses']});
	t.deepEqual(Object.keys(collection.programs), ['misses']);
	t.throws(() => collection.program('mises'), {
		message: 'find program "mises": the object has no such program; did you mean "misses"?',
	});
});

kernel('a log that was asked for is kept', async t => {
	const silent = await loadFixture(t, 'kernel/globals');
	t.is(silent.program('count_packets').log, '');
	const statistics = await loadFixture(t, 'kernel/globals', {logLevel: 4});
	t.regex(statistics.program('count_packets').log, /processed \d+ insns/);
	const every = await loadFixture(t, 'kernel/globals', {logLevel: 2});
	t.regex(every.program('count_packets').log, /\(95\) exit/);
});

kernel('what the kernel knows of a program is told by name', async t => {
	const collection = await loadFixture(t, 'kernel/globals');
	const program = collection.program('count_packets');
	const info = program.info();
	t.is(info.name, 'count_packets');
	t.is(info.type, 'xdp');
	t.regex(info.tag, /^[\da-f]{16}$/);
	t.true(info.gplCompatible);
	t.true(info.verifiedInstructions > 0);
	t.is(program.translated().length, info.translatedSize);
	t.deepEqual(
		program.mapIds().sort(),
		['.rodata', '.data', '.bss'].map(name => collection.map(name).info.id).sort(),
	);
	using byId = openProgramById(info.id);
	t.is(byId.info().tag, info.tag);
});

kernel('a pinned program is found again', async t => {
	const bpffs = await makeBpffs(t);
	const collection = await loadFixture(t, 'kernel/globals');
	const program = collection.program('count_packets');
	program.pin(`${bpffs}/deep/er/program`);
	using opened = openPinnedProgram(`${bpffs}/deep/er/program`);
	t.is(opened.info().id, program.info().id);
	t.throws(
		() => {
			program.pin(`${bpffs}/deep/er/program`);
		},
		{
			message: /something is pinned there already$/,
		},
	);
	t.throws(
		() => {
			program.pin(`${bpffs}/with.dot`);
		},
		{message: /refuses names with a dot: "with\.dot"$/},
	);
	t.throws(() => openPinnedProgram(`${bpffs}/with.dot/program`), {
		code: 'ERR_PIN',
		message: /refuses names with a dot: "with\.dot"$/,
	});
	t.throws(() => openPinnedProgram(`${bpffs}/deep`), {
		code: 'ERR_PIN',
		message: /it is a folder$/,
	});
	opened.unpin(`${bpffs}/deep/er/program`);
	t.throws(() => openPinnedProgram(`${bpffs}/deep/er/program`), {
		message: /nothing is pinned there$/,
	});
});

kernel('an id that is not there says so', t => {
	t.throws(() => openProgramById(0x7f_ff_ff_ff), {
		message: 'open program "id 2147483647": there is no program with this id',
	});
});
