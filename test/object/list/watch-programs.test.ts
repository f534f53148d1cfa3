import {watchPrograms} from '../../../src/object/list/watch-programs.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const test = kernelTest({feature: 'program statistics', since: '5.8'});

test('runs and time of an interval are told, and only those', async t => {
	const {programs} = await loadFixture(t, 'kernel/globals');
	const program = programs['count_packets'];
	if (program === undefined) return t.fail();
	const {id} = program.info();
	const rates = watchPrograms({ids: [id], interval: 1});
	const first = rates.next();
	program.run({repeat: 500});
	const [busy] = (await first).value ?? [];
	t.like(busy, {id, name: 'count_packets', type: 'xdp', runs: 500n, totalRuns: 500n, misses: 0n});
	t.true((busy?.time ?? 0n) > 0n);
	t.is(busy?.timePerRun, Number(busy?.time) / 500);
	t.is(busy?.runsPerSecond, 500_000 / (busy?.interval ?? 0));
	const [idle] = (await rates.next()).value ?? [];
	t.like(idle, {runs: 0n, time: 0n, timePerRun: undefined, totalRuns: 500n});
	t.deepEqual(await rates.return(), {done: true, value: undefined});
});

test('a signal ends it at once, while it waits as well', async t => {
	const stop = new AbortController();
	const rates = watchPrograms({ids: [], interval: 1_000_000, signal: stop.signal});
	const first = rates.next();
	stop.abort();
	t.deepEqual(await first, {done: true, value: undefined});
});

test('a program that comes meanwhile is told with all it did', async t => {
	const rates = watchPrograms({interval: 1});
	const first = rates.next();
	const {programs} = await loadFixture(t, 'kernel/globals');
	const program = programs['count_packets'];
	program?.run({repeat: 3});
	await first;
	let seen = 0n;
	for await (const list of rates) {
		seen = list.find(({id}) => id === program?.info().id)?.totalRuns ?? 0n;
		if (seen > 0n) break;
	}

	t.is(seen, 3n);
});
