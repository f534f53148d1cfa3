/**
 * Builds two hosts, captures what passes between them to a file, and reads it back twice: by skep,
 * and by tcpdump.
 *
 *     node dist/examples/lab-capture.js [FILE]
 *
 * As root, with tcpdump installed. Opens in Wireshark as it is.
 */

import {execFileSync} from 'node:child_process';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

import {captureToFile, lab, openPcap} from 'skep/lab';

const [path = join(tmpdir(), 'skep-ping.pcapng')] = process.argv.slice(2);

{
	await using net = await lab({
		hosts: ['client', 'server'],
		links: [{between: ['client', 'server']}],
	});
	const {client, server} = net.hosts;
	await using file = await captureToFile(client, 'eth0', path);
	await client.ping(server.ipv4);
	await client.ping(server.ipv6);
	console.log(`writing ${file.path}`);
}

const reader = openPcap(path);
const counts = {in: 0, out: 0};
for await (const {direction} of reader) if (direction) counts[direction]++;
console.log(`${reader.interfaces[0]?.description}: ${counts.out} out, ${counts.in} in`);

console.log(execFileSync('tcpdump', ['-nn', '-t', '-r', path], {encoding: 'utf8', stdio: 'pipe'}));
