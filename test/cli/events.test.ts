import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createInterface} from 'node:readline';
import {makeBpffs} from '../helpers/bpffs.js';
import {cliCommand, skep} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {loadFixture} from '../helpers/load.js';

const kernel = kernelTest({feature: 'ring buffers', since: '6.1'});
const listening = 'skep: listening; Ctrl-C ends it\n';

kernel('events of a pinned ring are of a type that its programs have, or bytes', async t => {
	const {maps, programs} = await loadFixture(t, 'kernel/events');
	const pin = `${await makeBpffs(t)}/ring`;
	maps['ring']?.pin(pin);
	const read = async (...more: readonly string[]) =>
		skep('map', 'events', pin, '-n', '2', ...more);
	const typed = ['--type', 'struct event', '--field', 'value.address=ipv4', '-o', 'json'];
	for (let i = 0; i < 2; i++) programs['send']?.run();
	const {code, out, err} = await read(...typed);
	t.deepEqual([code, err], [0, listening]);
	const events = out
		.trim()
		.split('\n')
		.map(line => JSON.parse(line) as {event: {number: number; address: string}});
	t.deepEqual(
		events.map(({event}) => [event.number, event.address]),
		[
			[0, '192.0.2.1'],
			[1, '192.0.2.1'],
		],
	);

	for (let i = 0; i < 2; i++) programs['send']?.run();
	t.regex((await read()).out, /^"02(?:00){7}[\da-f]+"\n"03(?:00){7}[\da-f]+"\n$/);
	t.deepEqual(await read('--type', 'struct none'), {
		code: 2,
		out: '',
		err: 'skep: read events of map "ring": its types have no "struct none"\n',
	});
});

kernel('a perf buffer is read when its places may be taken, until Ctrl-C', async t => {
	const {maps, programs} = await loadFixture(t, 'kernel/events');
	const pin = `${await makeBpffs(t)}/perf`;
	maps['perf']?.pin(pin);
	t.deepEqual(await skep('map', 'events', pin), {
		code: 2,
		out: '',
		err: 'skep: read events of map "perf": a perf buffer has one reader; --take-over makes it this\n',
	});
	const words = ['map', 'events', pin, '--take-over', '--type', 'event', '-o', 'json'];
	const [command, ...args] = cliCommand(...words);
	const child = spawn(command, args, {stdio: ['ignore', 'pipe', 'pipe']});
	t.teardown(() => child.kill('SIGKILL'));
	const [told] = (await once(child.stderr, 'data')) as [Buffer];
	t.is(told.toString(), listening);
	programs['send_perf']?.run();
	for await (const line of createInterface({input: child.stdout})) {
		const {event, cpu} = JSON.parse(line) as {event: {kind: number}; cpu: number};
		t.is(event.kind, 7);
		t.true(cpu >= 0);
		child.kill('SIGINT');
	}

	t.is(child.exitCode ?? ((await once(child, 'close')) as [number])[0], 0);
});

kernel('a map that sends no events says of which type it is', async t => {
	const {maps} = await loadFixture(t, 'kernel/events');
	const pin = `${await makeBpffs(t)}/scratch`;
	maps['scratch']?.pin(pin);
	t.deepEqual(await skep('map', 'events', pin), {
		code: 1,
		out: '',
		err: 'skep: read events of map "scratch": it is no ring buffer but of type array\n',
	});
});
