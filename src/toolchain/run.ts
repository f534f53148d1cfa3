import {spawn} from 'node:child_process';

export interface Finished {
	/** Exit status; 128 + signal number is not used: a killed child has `signal`. */
	readonly status: number | null;
	readonly signal: string | null;
	readonly stdout: string;
	readonly stderr: string;
}

const outputLimit = 4 << 20;

/**
 * Runs a program to its end, without a shell. Output beyond 4 MiB is dropped.
 *
 * Rejects with the error of the start (`ENOENT`, `EACCES`), or with `signal.reason`; in either case
 * only when the child is gone.
 */
export async function runProgram(
	program: string,
	args: readonly string[],
	signal?: AbortSignal,
): Promise<Finished> {
	signal?.throwIfAborted();
	const child = spawn(program, args, {stdio: ['ignore', 'pipe', 'pipe']});
	const stop = (): unknown => child.kill('SIGKILL');
	signal?.addEventListener('abort', stop, {once: true});
	try {
		const stdout = collect(child.stdout);
		const stderr = collect(child.stderr);
		const [status, killed] = await new Promise<[number | null, string | null]>(
			(resolve, reject) => {
				child.once('error', reject);
				// Not 'close': a grandchild may hold the pipes long after the child has been killed.
				child.once('exit', (code, name) => {
					if (signal?.aborted === true) resolve([code, name]);
				});
				child.once('close', (code, name) => resolve([code, name]));
			},
		);
		signal?.throwIfAborted();
		return {status, signal: killed, stdout: stdout(), stderr: stderr()};
	} finally {
		signal?.removeEventListener('abort', stop);
		child.stdout.destroy();
		child.stderr.destroy();
	}
}

function collect(stream: NodeJS.ReadableStream): () => string {
	const chunks: Buffer[] = [];
	let length = 0;
	stream.on('data', (chunk: Buffer) => {
		if (length < outputLimit) chunks.push(chunk);
		length += chunk.length;
	});
	return () => Buffer.concat(chunks).toString();
}
