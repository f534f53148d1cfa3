import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createInterface} from 'node:readline';
import {cliCommand, skep} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {loadFixture} from '../helpers/load.js';

const test = kernelTest({feature: 'program statistics', since: '5.8'});

test('prog stats --watch prints an object for each interval until Ctrl-C', async t => {
	const {programs} = await loadFixture(t, 'kernel/globals');
	const program = programs['count_packets'];
	const id = String(program?.info().id);
	const words = ['prog', 'stats', id, '--watch', '--interval', '20', '-o', 'json'];
	const [command, ...args] = cliCommand(...words);
	const child = spawn(command, args, {stdio: ['ignore', 'pipe', 'pipe']});
	let errors = '';
	child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()));
	let counted = 0;
	for await (const line of createInterface({input: child.stdout})) {
		const {runs, name} = JSON.parse(line) as {runs: number; name: string};
		t.is(name, 'count_packets');
		counted += runs;
		if (counted >= 100) break;
		program?.run({repeat: 100});
	}

	child.kill('SIGINT');
	const [code] = (await once(child, 'close')) as [number | null];
	t.is(code, 0);
	t.true(counted >= 100);
	t.is(errors, 'skep: the kernel counts runs while this lasts, some 20 ns a run\n');
});

test('prog stats prints one interval as a table', async t => {
	const {programs} = await loadFixture(t, 'kernel/globals');
	const id = String(programs['count_packets']?.info().id);
	const {code, out} = await skep('prog', 'stats', id, '--interval', '1');
	t.is(code, 0);
	t.regex(out, /^ *ID +TYPE +NAME +RUNS +RUNS\/S +NS\/RUN +CPU% +TOTAL\n/);
	t.regex(out, new RegExp(`${id} +xdp +count_packets +0 +0\\.0 +- +0\\.00 +0\n`));
});
