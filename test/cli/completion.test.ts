import {execFile} from 'node:child_process';
import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {cliCommand, skep} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {makeMap} from '../native/support.js';
import {mapInfo} from '../../src/kernel/sys/info.js';
import {makeTempFolder} from '../helpers/temp.js';

const execute = promisify(execFile);

/** What skep tells the shells' scripts: the shell's own part, then the candidates. */
async function words(...given: readonly string[]): Promise<[shell: string, ...words: string[]]> {
	const {code, out, err} = await skep('completion', 'words', '--', ...given);
	if (code !== 0) throw new Error(err);
	const [shell = '', ...lines] = out.trimEnd().split('\n');
	return [shell, ...lines.map(line => line.split('\t', 1)[0] ?? '')];
}

const completes = test.macro({
	async exec(t, given: readonly string[], expected: readonly string[]) {
		t.deepEqual(await words(...given), ['nothing', ...expected]);
	},
	title: (_, given: readonly string[]) => `skep ${given.join(' ')}<TAB>`,
});

test(completes, ['obj'], ['object']);
test(completes, ['object', 'lo'], ['load']);
test(completes, ['object', 'load', '--on'], ['--on-mismatch']);
test(completes, ['-o', ''], ['table', 'json', 'yaml']);
test(completes, ['-o', 'json', 'map', 'dum'], ['dump']);
test(completes, ['map', 'list', '--output', 'j'], ['json']);
test(completes, ['completion', ''], ['bash', 'zsh', 'fish']);
test(completes, ['feature', 'link:tc'], ['link:tcx']);
test(completes, ['nonsense', 'lo'], []);

test('an argument that is a file is left to the shell', async t => {
	t.deepEqual(await words('object', 'inspect', ''), ['files']);
	t.deepEqual(await words('object', 'build', '--out', ''), ['folders']);
});

test('every noun and every verb is found', async t => {
	const {out} = await skep('--help');
	const nouns = [...out.matchAll(/^ {2}(?!skep|help)([a-z]+) /gm)].map(([, noun]) => noun);
	t.true(nouns.length > 8);
	const [, ...found] = await words('');
	for (const noun of nouns) t.true(found.includes(noun ?? ''), noun);
});

const kernel = kernelTest({feature: 'hash maps', since: '4.13'});

kernel('maps are offered by id', async t => {
	const fd = makeMap(t);
	const {id} = mapInfo(fd);
	const [shell, ...found] = await words('map', 'show', String(id));
	t.is(shell, 'files');
	t.true(found.includes(String(id)));
});

/** How each shell is made to say what it would offer after the line in $1. */
const shells = {
	bash: `
		source <(skep completion bash)
		COMP_LINE=$1 COMP_POINT=\${#1}
		_skep
		printf '%s\\n' "\${COMPREPLY[@]}"`,
	zsh: `
		compdef() { : }
		_describe() { print -rl -- "\${(@)\${(@P)2}%%:*}" }
		_files() { print -rl -- *(N) }
		source <(skep completion zsh)
		words=("\${(@s: :)1}") CURRENT=\${#words}
		_skep`,
	fish: `
		skep completion fish | source
		complete -C "$argv[1]" | string replace -r '\\t.*' ''; true`,
} as const;

/** What a shell offers; undefined where it is not installed. */
async function offered(
	t: ExecutionContext,
	shell: keyof typeof shells,
	line: string,
): Promise<string[] | undefined> {
	const folder = await makeTempFolder(t);
	await mkdir(join(folder, 'objects'));
	await writeFile(join(folder, 'lb.bpf.o'), '');
	const [node, starter] = cliCommand();
	const bin = await makeTempFolder(t);
	await writeFile(join(bin, 'skep'), `#!/bin/sh\nexec '${node}' '${starter ?? ''}' "$@"\n`, {
		mode: 0o755,
	});
	const name = shell === 'fish' ? [] : [shell];
	try {
		const {stdout} = await execute(shell, ['-c', shells[shell], ...name, line], {
			cwd: folder,
			env: {...process.env, HOME: bin, PATH: `${bin}:${process.env['PATH'] ?? ''}`},
		});
		return stdout.split('\n').filter(word => word !== '');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
		t.log(`${shell} is not installed`);
		return undefined;
	}
}

const inShell = test.macro({
	async exec(t, shell: keyof typeof shells, line: string, expected: readonly string[]) {
		const found = await offered(t, shell, line);
		if (found === undefined && shell !== 'bash') t.pass();
		else t.deepEqual(found, [...expected]);
	},
	title: (_, shell, line) => `${shell} completes "${line}"`,
});

test(inShell, 'bash', 'skep object ve', ['verify']);
test(inShell, 'bash', 'skep object verify l', ['lb.bpf.o']);
test(inShell, 'bash', 'skep object build --out o', ['objects']);
test(inShell, 'bash', 'skep feature link:netk', ['netkit']);
test(inShell, 'bash', 'skep -o ya', ['yaml']);
test(inShell, 'fish', 'skep object ve', ['verify']);
test(inShell, 'fish', 'skep object verify l', ['lb.bpf.o']);
test(inShell, 'fish', 'skep feature link:netk', ['link:netkit']);
test(inShell, 'zsh', 'skep object ve', ['verify']);
test(inShell, 'zsh', 'skep object verify l', ['lb.bpf.o', 'objects']);
