/** Programs that run in a host. */

import {spawn, type ChildProcess, type SpawnOptions} from 'node:child_process';
import {accessSync, constants} from 'node:fs';
import {join} from 'node:path';

import {enterCommand, type Place} from './enter.js';
import {ProcessError} from './process-error.js';

/** Where and how a process is started. */
export interface SpawnInOptions {
	/** Added to the environment of this process. */
	readonly env?: Readonly<Record<string, string>>;
	readonly cwd?: string;
}

/** How a command is run to its end. */
export interface ExecOptions extends SpawnInOptions {
	/** What it reads from its standard input; nothing unless given. */
	readonly input?: string | Uint8Array;
	/** Milliseconds, after which it is killed with all that it started; 60 000 unless given. */
	readonly timeout?: number;
	/** Kills it when aborted. */
	readonly signal?: AbortSignal;
}

/** What a command left that has ended. */
export interface ExecResult {
	readonly stdout: string;
	readonly stderr: string;
	/** Exit status; null when a signal ended it. */
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
}

const defaultTimeout = 60_000;

/** A program that runs until it ends by itself or is killed. */
export function spawnIn(
	host: string,
	place: Place,
	command: string,
	args: readonly string[],
	options: SpawnInOptions,
	stdio: SpawnOptions['stdio'],
): ChildProcess {
	requireCommand(host, command);
	const [shell, ...rest] = enterCommand(place, command, args);
	return spawn(shell, rest, {
		stdio,
		// A group of its own, to be killed as a whole.
		detached: true,
		env: {...process.env, ...options.env},
		...(options.cwd === undefined ? {} : {cwd: options.cwd}),
	});
}

/** Runs a program to its end. *Throws:* `ERR_PROCESS`; the reason of `signal`. */
export async function execIn(
	host: string,
	place: Place,
	command: string,
	args: readonly string[],
	options: ExecOptions,
): Promise<ExecResult> {
	const {input = '', timeout = defaultTimeout, signal} = options;
	signal?.throwIfAborted();
	const child = spawnIn(host, place, command, args, options, ['pipe', 'pipe', 'pipe']);
	const output = {stdout: [] as Buffer[], stderr: [] as Buffer[]};
	child.stdout?.on('data', (piece: Buffer) => output.stdout.push(piece));
	child.stderr?.on('data', (piece: Buffer) => output.stderr.push(piece));
	// It need not read what it is given.
	child.stdin?.on('error', () => undefined).end(input);
	return new Promise((resolve, reject) => {
		/** Why it was killed. */
		let stopped: Error | string | undefined;
		const text = (name: keyof typeof output) => Buffer.concat(output[name]).toString();
		const kill = (reason: Error | string): void => {
			stopped ??= reason;
			killGroup(child);
			// Who has left the group may keep the output open.
			if (hasEnded(child)) letGo();
			else child.once('exit', letGo);
		};
		const letGo = (): void => {
			setImmediate(() => {
				child.stdout?.destroy();
				child.stderr?.destroy();
			});
		};
		const abort = (): void => {
			const reason: unknown = signal?.reason;
			kill(reason instanceof Error ? reason : 'aborted');
		};
		const timer = setTimeout(() => kill(`not ended within ${timeout} ms`), timeout);
		signal?.addEventListener('abort', abort, {once: true});
		child.once('error', cause => {
			reject(new ProcessError(host, command, cause.message, {cause}));
		});
		child.once('close', (code, endedBy) => {
			clearTimeout(timer);
			signal?.removeEventListener('abort', abort);
			const [stdout, stderr] = [text('stdout'), text('stderr')];
			if (stopped === undefined) resolve({stdout, stderr, code, signal: endedBy});
			else if (stopped instanceof Error) reject(stopped);
			else reject(new ProcessError(host, command, stopped, {stdout, stderr}));
		});
	});
}

/** Kills a program, and what it started even where it has ended, unless that left its group. */
export function killGroup(child: ChildProcess): void {
	if (child.pid === undefined) return;
	try {
		process.kill(-child.pid, 'SIGKILL');
	} catch {
		// All of them have ended.
	}
}

const hasEnded = ({exitCode, signalCode}: ChildProcess): boolean =>
	exitCode !== null || signalCode !== null;

function requireCommand(host: string, command: string): void {
	for (const needed of [command, 'nsenter']) {
		if (!isExecutable(needed)) {
			throw new ProcessError(host, command, `there is no program "${needed}"`);
		}
	}
}

function isExecutable(command: string): boolean {
	const folders = command.includes('/') ? [''] : (process.env['PATH'] ?? '').split(':');
	return folders.some(folder => {
		try {
			accessSync(folder === '' ? command : join(folder, command), constants.X_OK);
			return true;
		} catch {
			return false;
		}
	});
}
