import {execFile, spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {promisify} from 'node:util';
import type {ExecutionContext} from 'ava';

const execute = promisify(execFile);

/** Runs a command to its end and gives what it printed; rejects, with its stderr, if it fails. */
export async function run(command: string, ...args: readonly string[]): Promise<string> {
	const {stdout} = await execute(command, args, {maxBuffer: 64 * 1024 * 1024});
	return stdout;
}

/** Starts a command that runs until it is killed, at the latest when the test ends. */
export function start(
	t: ExecutionContext,
	command: string,
	...args: readonly string[]
): ChildProcess {
	const child = spawn(command, args, {stdio: ['pipe', 'pipe', 'inherit']});
	const closed = once(child, 'close');
	// A command that cannot be started is the test's failure, not an unhandled rejection.
	closed.catch((error: unknown) => t.fail(String(error)));
	t.teardown(async () => {
		child.kill('SIGKILL');
		await closed;
	});
	return child;
}

/** Asks `done` again and again until it says true; rejects when the time is over. */
export async function until(
	what: string,
	done: () => boolean | Promise<boolean>,
	milliseconds = 20_000,
): Promise<void> {
	const deadline = Date.now() + milliseconds;
	while (!(await done())) {
		if (Date.now() > deadline) throw new Error(`${what}: not within ${milliseconds} ms`);
		await new Promise(resolve => setTimeout(resolve, 10));
	}
}

let names = 0;

/** A name no other test uses: `skep-<pid>-<n>`, at most 15 characters, so fit for a device. */
export function uniqueName(): string {
	names += 1;
	return `skep-${process.pid}-${names}`;
}
