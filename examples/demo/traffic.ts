/** Real traffic between the demo's hosts: pings, and TCP connections of both families. */

import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';

import {joinCgroup, type Host} from './world.js';

const run = promisify(execFile);
const peer = fileURLToPath(new URL('peer.js', import.meta.url));

export interface PingResult {
	readonly sent: number;
	readonly received: number;
}

/** Pings as fast as the answers come back. */
export async function flood(
	from: Host,
	address: string,
	count: number,
	signal: AbortSignal,
): Promise<PingResult> {
	const args = [
		'netns',
		'exec',
		from.namespace,
		'ping',
		'-q',
		'-f',
		'-c',
		String(count),
		address,
	];
	const {stdout} = await run('ip', args, {signal});
	const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
	return {sent: Number(sent), received: Number(received)};
}

/**
 * Opens a TCP connection of each family from one host to the other, inside the cgroup, and sends
 * `bytes` over each.
 */
export async function connectBoth(
	cgroup: string,
	client: Host,
	server: Host,
	bytes: number,
	signal: AbortSignal,
): Promise<void> {
	for (const address of [server.ipv4, server.ipv6]) {
		const listener = start(cgroup, server, ['listen', address], signal);
		const [first] = (await once(listener.stdout, 'data', {signal})) as [Buffer];
		const port = first.toString().trim();
		const sender = start(cgroup, client, ['send', address, port, String(bytes)], signal);
		await Promise.all([once(sender, 'exit'), once(listener, 'exit')]);
		if (sender.exitCode !== 0) throw new Error(`no TCP connection to ${address} port ${port}`);
	}
}

/** A peer waits on its standard input, so that it is in the cgroup before its first packet. */
function start(cgroup: string, host: Host, args: string[], signal: AbortSignal) {
	const command = ['netns', 'exec', host.namespace, process.execPath, peer, ...args];
	const child = spawn('ip', command, {stdio: ['pipe', 'pipe', 'inherit'], signal});
	child.on('error', () => undefined);
	if (child.pid !== undefined) joinCgroup(cgroup, child.pid);
	child.stdin.end('go\n');
	return child;
}
