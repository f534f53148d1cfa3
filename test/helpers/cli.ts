import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';

const main = fileURLToPath(new URL('../../cli/skep.cjs', import.meta.url));

// What commands note for their next run is not for the home of whoever runs the tests.
process.env['XDG_CACHE_HOME'] = fileURLToPath(new URL('../../.cache/home', import.meta.url));

export interface CliResult {
	readonly code: number | null;
	readonly out: string;
	readonly err: string;
}

/** The command line that runs skep. */
export function cliCommand(...args: readonly string[]): [string, ...string[]] {
	return [process.execPath, main, ...args];
}

/** Runs skep to its end. */
export async function skep(...args: readonly string[]): Promise<CliResult> {
	const child = spawn(process.execPath, [main, ...args], {stdio: ['ignore', 'pipe', 'pipe']});
	const pieces: {out: Buffer[]; err: Buffer[]} = {out: [], err: []};
	child.stdout.on('data', (piece: Buffer) => pieces.out.push(piece));
	child.stderr.on('data', (piece: Buffer) => pieces.err.push(piece));
	const [code] = (await once(child, 'close')) as [number | null];
	return {
		code,
		out: Buffer.concat(pieces.out).toString(),
		err: Buffer.concat(pieces.err).toString(),
	};
}
