/**
 * Logs the TCP connections of the processes in a cgroup, with their round-trip times.
 *
 *     node dist/examples/sockops-logger.js CGROUP [SECONDS]
 *
 * Kernel 5.7. CGROUP is a directory of a cgroup v2 hierarchy.
 */

import {setTimeout as sleep} from 'node:timers/promises';

import {attachCgroup, loadCollection, readObject} from 'skep';

import {objectPath} from './objects.js';

interface Key {
	readonly local: {readonly bytes: string};
	readonly remote: {readonly bytes: string};
	readonly local_port: number;
	readonly remote_port: number;
}

interface Connection {
	readonly origin: number;
	readonly srtt_us: number;
	readonly closed_ns: bigint;
}

const [cgroup, seconds = '10'] = process.argv.slice(2);
if (cgroup === undefined) throw new Error('usage: sockops-logger.js CGROUP [SECONDS]');

using collection = loadCollection(await readObject(objectPath('sock_connections')), {
	codecs: {
		connections: {
			key: {
				local: {bytes: 'ipv6'},
				remote: {bytes: 'ipv6'},
				local_port: 'be16',
				remote_port: 'be16',
			},
		},
	},
});
using link = attachCgroup(collection.program('sock_connections'), cgroup);
console.log(`attached to ${cgroup} as link ${link.info().id}`);

const connections = collection.map<Key, Connection>('connections');
const logged = new Set<string>();
for (let second = 0; second < Number(seconds); second++) {
	await sleep(1000);
	for (const [key, {origin, srtt_us, closed_ns}] of connections) {
		const local = `${key.local.bytes} port ${key.local_port}`;
		const remote = `${key.remote.bytes} port ${key.remote_port}`;
		const text = `${local} ${origin === 1 ? '->' : '<-'} ${remote}`;
		if (closed_ns === 0n || logged.has(text)) continue;
		logged.add(text);
		console.log(`${text}: round trip ${srtt_us} us`);
	}
}
