import {mkdtemp, readFile, rmdir, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {listMounts} from './mounts.js';
import {run, uniqueName, until} from './run.js';

/** A cgroup v2 of a test's own. */
export interface Cgroup {
	readonly path: string;
	/**
	 * The command line that runs `command` inside the cgroup, to be given to `run` or `start`. With
	 * a namespace, the cgroup comes first: inside of `ip netns exec` no cgroup is mounted.
	 */
	readonly wrap: (...command: readonly string[]) => [string, ...string[]];
	/** Runs a command inside the cgroup to its end and gives what it printed. */
	readonly run: (...command: readonly string[]) => Promise<string>;
}

/** Makes a cgroup; when the test ends, whatever still runs in it is killed and it is removed. */
export async function makeCgroup(t: ExecutionContext): Promise<Cgroup> {
	const path = join(await cgroupRoot(t), uniqueName());
	await run('mkdir', path);
	t.teardown(async () => {
		await writeFile(join(path, 'cgroup.kill'), '1');
		await until(`empty cgroup ${path}`, async () =>
			(await readFile(join(path, 'cgroup.events'), 'utf8')).includes('populated 0'),
		);
		await run('rmdir', path);
	});

	const enter = `echo 0 > '${join(path, 'cgroup.procs')}' && exec "$@"`;
	const wrap: Cgroup['wrap'] = (...command) => ['sh', '-c', enter, 'sh', ...command];
	return {path, wrap, run: async (...command) => run(...wrap(...command))};
}

/** Where cgroup v2 is mounted; where it is not, it is mounted for the length of the test. */
async function cgroupRoot(t: ExecutionContext): Promise<string> {
	const mounted = listMounts().find(mount => mount.type === 'cgroup2');
	if (mounted) return mounted.path;

	const folder = await mkdtemp(join(tmpdir(), `${uniqueName()}-`));
	t.teardown(async () => rmdir(folder));
	await run('mount', '-t', 'cgroup2', 'skep', folder);
	t.teardown(async () => {
		await run('umount', folder);
	});
	return folder;
}
