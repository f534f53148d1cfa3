import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createInterface} from 'node:readline';
import {attachXdp} from '../../src/object/link/attach-xdp.js';
import {openPinnedMap} from '../../src/object/map/open-map.js';
import {successorPath} from '../../src/object/pin/successor.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {cliCommand, skep} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {loadFixture} from '../helpers/load.js';
import {connect, makeNamespace} from '../helpers/netns.js';
import {run} from '../helpers/run.js';

const kernel = kernelTest({feature: 'queues', since: '5.4'});

async function ok(...args: readonly string[]): Promise<string> {
	const {code, out, err} = await skep(...args);
	if (code !== 0 || err !== '') throw new Error(`skep ${args.join(' ')}: ${code}: ${err}`);
	return out;
}

kernel('a queue that the command line makes is pushed to, looked into, and emptied', async t => {
	const path = `${await makeBpffs(t)}/work`;
	t.is(await ok('map', 'create', path, '--type', 'queue', '--key', '0', '--entries', '2'), '');
	for (const word of ['hex:01000000', 'hex:02000000']) await ok('map', 'push', path, word);
	t.is(await ok('map', 'peek', path), '"01000000"\n');
	t.is(await ok('map', 'pop', path), '"01000000"\n');
	t.is(await ok('map', 'pop', path), '"02000000"\n');
	t.deepEqual(await skep('map', 'pop', path), {
		code: 1,
		out: '',
		err: 'skep: pop from map "work": it is empty\n',
	});
	t.is(
		(await skep('map', 'create', path, '--type', 'hashs')).err,
		'skep: read type "hashs": there is no such type of map; did you mean hash?\n',
	);
});

kernel('an element is taken, one CPU is read, and a frozen map stays as it is', async t => {
	const folder = await makeBpffs(t);
	const path = `${folder}/hash`;
	await ok('map', 'create', path, '--type', 'hash', '--entries', '4', '--name', 'mine');
	await ok('map', 'set', path, 'hex:01000000', 'hex:07000000');
	t.is(await ok('map', 'get', path, 'hex:01000000', '--and-delete'), '"07000000"\n');
	t.is((await skep('map', 'get', path, 'hex:01000000')).code, 1);
	t.deepEqual(await skep('map', 'set', path, '1', '2'), {
		code: 2,
		out: '',
		err: 'skep: read "1": no type is known for it; give its 4 bytes as hex:0a0b0c\n',
	});
	t.is(await ok('map', 'freeze', path), '');
	t.regex((await skep('map', 'set', path, 'hex:01000000', 'hex:07000000')).err, /EPERM/);

	await ok('map', 'create', `${folder}/my-hash`, '--type', 'hash');
	t.regex(await ok('map', 'show', `${folder}/my-hash`), /\nname +my_hash\n/);

	const perCpu = `${folder}/percpu`;
	await ok('map', 'create', perCpu, '--type', 'percpu_array', '--entries', '1');
	t.is(await ok('map', 'get', perCpu, '0', '--cpu', '0'), '"00000000"\n');
});

kernel('watch tells what is added, changed and deleted, and ends with Ctrl-C', async t => {
	const path = `${await makeBpffs(t)}/hash`;
	await ok('map', 'create', path, '--type', 'hash', '--entries', '4');
	using map = openPinnedMap<Uint8Array, Uint8Array>(path);
	const bytes = (n: number) => new Uint8Array(Uint32Array.of(n).buffer);
	map.set(bytes(1), bytes(1));
	const words = ['map', 'watch', path, '--interval', '5', '--all', '-o', 'json'];
	const [command, ...args] = cliCommand(...words);
	const child = spawn(command, args, {stdio: ['ignore', 'pipe', 'inherit']});
	t.teardown(() => child.kill('SIGKILL'));
	const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
	const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value as string);
	t.deepEqual(await next(), {event: 'added', key: '01000000', value: '01000000'});
	map.set(bytes(2), bytes(2));
	t.deepEqual(await next(), {event: 'added', key: '02000000', value: '02000000'});
	map.set(bytes(2), bytes(3));
	t.deepEqual(await next(), {
		event: 'changed',
		key: '02000000',
		value: '03000000',
		before: '02000000',
	});
	map.delete(bytes(1));
	t.deepEqual(await next(), {event: 'deleted', key: '01000000', value: '01000000'});
	child.kill('SIGINT');
	const [code] = (await once(child, 'close')) as [number | null];
	t.is(code, 0);
});

kernel(
	'pins are listed with what they keep, as a list and as a tree; dead ones are named',
	async t => {
		const folder = await makeBpffs(t);
		const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
		const [, device] = await connect(left, right);
		const {programs, maps} = await loadFixture(t, 'kernel/globals');
		const program = programs['count_packets'];
		const map = maps['.data'] ?? Object.values(maps)[0];
		if (program === undefined || map === undefined) throw new Error('the fixture has changed');
		program.pin(`${folder}/lb/entry`);
		map.pin(`${folder}/lb/maps/data`);
		map.pin(successorPath(`${folder}/lb/maps/data`));
		const link = attachXdp(program, device.name, {netns: right.path});
		link.pin(`${folder}/lb/link`);
		const {id} = link.info();
		link.close();

		const before = await ok('pin', 'list', folder);
		t.regex(
			before,
			new RegExp(`program +${program.info().id} +xdp +count_packets +- +${folder}/lb/entry`),
		);
		t.regex(before, new RegExp(`link +${id} +xdp +- +- +${folder}/lb/link`));
		await run('ip', '-n', right.name, 'link', 'del', device.name);
		t.regex(
			await ok('pin', 'list', folder, '--dead'),
			/^KIND.*\nlink .*its target is gone.*\nmap .*left over by an upgrade.*\n$/,
		);
		const tree = (await ok('pin', 'tree', folder)).split('\n').map(line => line.trim());
		t.true(tree.includes(`entry  program ${program.info().id} xdp "count_packets"`));
		t.true(tree.includes('lb/'));
		t.true(tree.includes('maps/'));
		t.true(tree.some(line => line.startsWith(`link  link ${id} xdp, its target is gone`)));
		const json = (await ok('pin', 'list', folder, '-o', 'json')).trim().split('\n');
		t.is(json.length, 4);
	},
);
