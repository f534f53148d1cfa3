import {execFile} from 'node:child_process';
import {promisify} from 'node:util';

const execute = promisify(execFile);

/** What a program printed to `stdout`, or what it said on `stderr` when it failed. */
export type Output =
	| {readonly stdout: string; readonly error?: undefined}
	| {readonly error: string; readonly stdout: string};

/** *Throws:* where the program cannot be started, or is killed. */
export async function run(command: string, args: readonly string[]): Promise<Output> {
	try {
		const {stdout} = await execute(command, args, {maxBuffer: 2 ** 28});
		return {stdout};
	} catch (error) {
		const {stderr, stdout, code} = error as {stderr?: string; stdout?: string; code?: unknown};
		if (stderr === undefined || typeof code !== 'number') throw error;
		return {error: stderr.trim(), stdout: stdout ?? ''};
	}
}
