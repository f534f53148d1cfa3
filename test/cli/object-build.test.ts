import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {stat, writeFile} from 'node:fs/promises';
import {createInterface} from 'node:readline';
import test from 'ava';
import {cliCommand, skep} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {makeTempFolder} from '../helpers/temp.js';

const kernel = kernelTest({feature: 'programs with types', since: '5.4'});

const source = (body: string): string => `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int entry(struct xdp_md *ctx) { ${body} }
char _license[] SEC("license") = "GPL";
`;

test('object build leaves what is up to date as it is, and says what it is all the same', async t => {
	const folder = await makeTempFolder(t);
	const path = `${folder}/x.bpf.c`;
	await writeFile(path, source('return XDP_PASS;'));
	const build = async (...words: readonly string[]): Promise<bigint> => {
		const {code, out, err} = await skep('object', 'build', path, ...words);
		t.deepEqual([code, out, err], [0, `${folder}/x.bpf.o\n`, '']);
		return (await stat(`${folder}/x.bpf.o`, {bigint: true})).ino;
	};
	const first = await build();
	t.is(await build(), first);
	t.not(await build('--force'), first);
});

test('object build --watch builds what changes until Ctrl-C', async t => {
	const folder = await makeTempFolder(t);
	const path = `${folder}/x.bpf.c`;
	await writeFile(path, source('return XDP_PASS;'));
	const [command, ...args] = cliCommand('object', 'build', path, '--watch');
	const child = spawn(command, args, {stdio: ['ignore', 'pipe', 'pipe']});
	const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
	const errors = createInterface({input: child.stderr})[Symbol.asyncIterator]();
	t.is((await lines.next()).value, `${folder}/x.bpf.o`);
	await writeFile(path, source('return nonsense;'));
	t.regex(String((await errors.next()).value), /^skep: compile ".*x\.bpf\.c": .*nonsense/);
	await writeFile(path, source('return XDP_DROP;'));
	t.is((await lines.next()).value, `${folder}/x.bpf.o`);
	child.kill('SIGINT');
	const [code] = (await once(child, 'close')) as [number | null];
	t.is(code, 0);
});

kernel('object build --verify tells what changed since the object was verified last', async t => {
	const path = `${await makeTempFolder(t)}/x.bpf.c`;
	const build = async (body: string): Promise<string> => {
		await writeFile(path, source(body));
		const {code, out, err} = await skep('object', 'build', path, '--force', '--verify');
		t.is(code, 0, err);
		t.regex(out, /x\.bpf\.o\nPROGRAM .*\nentry .* ok\n$/);
		return err;
	};
	t.is(await build('return XDP_PASS;'), '');
	t.is(await build('return XDP_DROP;'), '');
	t.regex(
		await build('return ctx->rx_queue_index > 3 ? XDP_DROP : XDP_PASS;'),
		/^entry: instructions 2 → \d+ \(\+\d+\), verified 2 → \d+ \(\+\d+\)/,
	);
});
