import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {kernelTest} from './helpers/kernel.js';

const execute = promisify(execFile);
const main = fileURLToPath(new URL('../bench/main.js', import.meta.url));

interface Group {
	readonly name: string;
	readonly figures: readonly {
		readonly what: string;
		readonly median: number;
		readonly ratio?: number;
		readonly goal?: string;
		readonly ok?: boolean;
	}[];
}

const kernel = kernelTest({feature: 'BPF maps and their batches', since: '5.6'});

kernel('the benchmarks run, and each figure is a number', async t => {
	const {stdout} = await execute(process.execPath, [main, '--quick', '-o', 'json']);
	const groups = JSON.parse(stdout) as readonly Group[];
	t.deepEqual(
		groups.map(({name}) => name),
		[
			'single',
			'dump',
			'events',
			'datapath',
			'datapath-control',
			'dump-process',
			'load',
			'load-large',
			'large-object',
			'kernel-btf',
			'start',
		],
	);
	for (const {name, figures} of groups) {
		t.true(figures.length >= 2, name);
		t.true(
			figures.some(({ok}) => ok !== undefined),
			name,
		);
		for (const {what, median, ratio = 1} of figures) {
			t.true(Number.isFinite(median) && median > 0, what);
			t.true(Number.isFinite(ratio) && ratio > 0, what);
		}
	}
});

kernel('the datapath is compared with routing', async t => {
	const {stdout} = await execute(process.execPath, [
		main,
		...['--only', 'datapath-network', '--quick', '-o', 'json'],
	]);
	const [group] = JSON.parse(stdout) as readonly Group[];
	t.is(group?.figures.length, 24);
	for (const {what, median} of group?.figures ?? []) t.true(median > 0, what);
});

kernel('the ways to a service are compared with routing', async t => {
	const {stdout} = await execute(process.execPath, [
		main,
		...['--only', 'service-network', '--quick', '--services', '2', '--milliseconds', '5'],
		...['--mode', 'plain', '--mode', 'nftables', '-o', 'json'],
	]);
	const [group] = JSON.parse(stdout) as readonly Group[];
	t.deepEqual(
		group?.figures.map(({what}) => what).filter(what => what.includes('RR32')),
		[4, 6].flatMap(family =>
			['plain', 'nftables'].map(mode => `IPv${family} RR32, 2 services: ${mode}`),
		),
	);
	for (const {what, median, ratio = NaN} of group?.figures ?? []) {
		t.true(median > 0 && ratio > 0, what);
	}
});

kernel('XDP programs are given frames by themselves and through a veth pair', async t => {
	const {stdout} = await execute(process.execPath, [
		main,
		...['--only', 'xdp', '--quick', '-o', 'json'],
	]);
	const [group] = JSON.parse(stdout) as readonly Group[];
	const live = group?.figures.filter(({ratio}) => ratio !== undefined) ?? [];
	t.true(live.length >= 4);
	for (const {what, median} of live) t.true(median > 0, what);
	// An empty program may take as long as one that hardly does anything.
	for (const {what, median} of group?.figures ?? []) t.true(Number.isFinite(median), what);
});

kernel('services are installed and changed by skep and its peers', async t => {
	const {stdout} = await execute(process.execPath, [
		main,
		...['--only', 'services', '--quick', '--services', '20', '-o', 'json'],
	]);
	const [group] = JSON.parse(stdout) as readonly Group[];
	t.is(group?.figures.length, 12);
	for (const {what, median, ratio = NaN} of group?.figures ?? []) {
		t.true(median > 0 && (ratio > 0 || what.endsWith('by the clock')), what);
	}
});

const wrongUsage = test.macro({
	async exec(t, args: readonly string[], message: RegExp) {
		const run = execute(process.execPath, [main, ...args]);
		const error = await t.throwsAsync<Error & {code: number; stderr: string}>(run);
		t.is(error.code, 2);
		t.regex(error.stderr, message);
	},
	title: (_, args: readonly string[]) => `the benchmarks refuse ${args.join(' ')}`,
});

test(wrongUsage, ['--only', 'nothing'], /no benchmark "nothing"\nusage: /);
test(wrongUsage, ['-o', 'xml'], /no output format "xml"\nusage: /);
test(wrongUsage, ['--mode', 'none'], /no mode "none"\nusage: /);
test(wrongUsage, ['--rounds', '0'], /no --rounds "0"\nusage: /);
test(wrongUsage, ['--fast'], /Unknown option '--fast'/);
