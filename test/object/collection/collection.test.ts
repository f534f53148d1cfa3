import test from 'ava';
import {
	loadCollection,
	loadCollectionAsync,
} from '../../../src/object/collection/load-collection.js';
import {verifyCollection} from '../../../src/object/collection/verify-collection.js';
import {listMaps, listPrograms} from '../../../src/object/list/list.js';
import {copyCollectionSpec} from '../../../src/spec/copy.js';
import {readObject} from '../../../src/spec/read.js';
import {fixtureObject} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'programs with types', since: '5.4'});

kernel('constants are set before load, one copy of a spec apart from another', async t => {
	const spec = await readObject(await fixtureObject('kernel/globals'));
	const other = copyCollectionSpec(spec);
	spec.variables['verdict']?.set(1);
	other.variables['verdict']?.set(3);
	other.variables['limits']?.set({kind: 9, pad: [0, 0, 0], rate: 1, burst: 5n});
	using first = loadCollection(spec);
	using second = loadCollection(other);
	t.is(first.program('count_packets').run().verdict, 'drop');
	t.is(second.program('count_packets').run().verdict, 'tx');
	t.deepEqual(second.variable('limits').get(), {kind: 9, pad: [0, 0, 0], rate: 1, burst: 5n});
	t.true(second.variable('limits').constant);
	t.false(second.variable('packets').constant);
});

kernel('variables are given values by the load, and the spec stays as it is', async t => {
	const spec = await readObject(await fixtureObject('kernel/globals'));
	const before = spec.variables['verdict']?.get();
	const limits = {kind: 9, pad: [0, 0, 0], rate: 1, burst: 5n};
	using collection = loadCollection(spec, {variables: {verdict: 1, limits, packets: 7n}});
	t.is(collection.program('count_packets').run().verdict, 'drop');
	t.deepEqual(collection.variable<typeof limits>('limits').get().burst, 5n);
	t.is(collection.variable<bigint>('packets').get(), 8n);
	t.is(spec.variables['verdict']?.get(), before);
	t.throws(() => loadCollection(spec, {variables: {verdct: 1}}), {
		code: 'ERR_NOT_FOUND',
		message: 'find variable "verdct": the object has no such variable; did you mean "verdict"?',
	});
	t.throws(() => loadCollection(spec, {variables: {verdict: 'drop'}}), {
		code: 'ERR_USAGE',
		message: /^set variable "verdict": /,
	});
	t.throws(() => loadCollection({...spec, maps: {}}, {variables: {verdict: 1}}), {
		code: 'ERR_USAGE',
		message: /^set variable "verdict": there is no map "\.\w+" for it$/,
	});
});

kernel('a replaced map is used, and not closed', async t => {
	const {maps} = await loadFixture(t, 'kernel/calls');
	const weights = maps['weights'];
	if (weights === undefined) return t.fail();
	weights.set(0, 1000);
	const spec = await readObject(await fixtureObject('kernel/calls'));
	{
		using collection = loadCollection(spec, {replaceMaps: {weights}});
		collection.program('calls').run();
		t.is(collection.variable('weight_sum').get(), 1000 + 0 + 1 + 2 + 3);
	}

	t.false(weights.closed);
	t.throws(() => loadCollection(spec, {replaceMaps: {wights: weights}}), {
		message: /^load object "\w+": it has no map "wights" to replace$/,
	});
});

kernel('a load that fails leaves no map and no program', async t => {
	const spec = await readObject(await fixtureObject('kernel/refused/null_check'));
	const good = await readObject(await fixtureObject('kernel/globals'));
	const both = {
		...spec,
		name: 'skep_rollback',
		maps: Object.fromEntries(
			Object.entries(good.maps).map(([name, map]) => [name, {...map, name: 'skep_rollback'}]),
		),
		programs: {...good.programs, ...spec.programs},
	};
	t.throws(() => loadCollection({...both, maps: {...both.maps, ...spec.maps}}), {
		code: 'ERR_VERIFIER',
	});
	// The kernel frees maps a while after their last user has gone.
	for (let left = 500; left > 0; left--) {
		if (![...listMaps()].some(({name}) => name === 'skep_rollback')) break;
		await new Promise(resolve => setTimeout(resolve, 10));
	}

	t.false([...listMaps()].some(({name}) => name === 'skep_rollback'));
});

kernel('what a program lacks is told before any is verified', async t => {
	const spec = await readObject(await fixtureObject('kernel/refused/null_check'));
	const good = await readObject(await fixtureObject('kernel/calls'));
	const {calls} = good.programs;
	if (calls === undefined) return t.fail();
	// Its maps are not given.
	const programs = {...spec.programs, calls};
	const expected = {code: 'ERR_PROGRAM', message: /^load program "calls": it uses map "\S+"/};
	t.throws(() => loadCollection({...spec, programs}), expected);
	await t.throwsAsync(async () => loadCollectionAsync({...spec, programs}), expected);
});

kernel('a load that is given up leaves no program', async t => {
	const spec = await readObject(await fixtureObject('kernel/calls'));
	const programs = Object.entries(spec.programs).map(([name, program]) => {
		return [name, {...program, name: `given_up_${name}`.slice(0, 15)}] as const;
	});
	const aborted = {...spec, programs: Object.fromEntries(programs)};
	const reason = new Error('enough');
	const controller = new AbortController();
	const loading = loadCollectionAsync(aborted, {signal: controller.signal});
	controller.abort(reason);
	t.is(await t.throwsAsync(loading), reason);
	t.false([...listPrograms()].some(({name}) => name.startsWith('given_up_')));
});

kernel('a dry run verifies every program and leaves nothing', async t => {
	const spec = await readObject(await fixtureObject('kernel/calls'));
	const results = [...verifyCollection({...spec, name: 'dryrun'})];
	t.deepEqual(results.map(({program}) => program).sort(), ['calls', 'misses', 'tail_target']);
	for (const {statistics, verifiedInstructions, instructions, error} of results) {
		t.is(error, undefined);
		t.true(instructions > 0);
		t.true((statistics?.instructions ?? 0) > 0);
		t.is(statistics?.instructions, verifiedInstructions);
		t.true((statistics?.stackDepths ?? []).length > 0);
	}

	t.false([...listPrograms()].some(({name}) => name === 'dryrun'));
});

kernel('a dry run tells refusals with their logs', async t => {
	const spec = await readObject(await fixtureObject('kernel/refused/uninitialised'));
	const logs: string[] = [];
	const [result] = verifyCollection(spec, {onLog: (_, log) => logs.push(log), logLevel: 2});
	t.is(result?.error?.code, 'ERR_VERIFIER');
	t.regex(logs[0] ?? '', /!read_ok/);
	t.throws(() => [...verifyCollection(spec, {programs: ['none']})], {code: 'ERR_USAGE'});
});

test('an unknown option is refused by name', async t => {
	const spec = await readObject(await fixtureObject('kernel/globals'));
	const options = {pinroot: '/sys/fs/bpf'};
	t.throws(() => loadCollection(spec, options as object), {
		message: /^load object "\w+": unknown option "pinroot"$/,
	});
});
