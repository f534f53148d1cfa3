/**
 * Builds two hosts, drops at XDP what comes from a prefix, and shows by real pings that it works.
 *
 *     node dist/examples/lab-xdp-drop-prefix.js
 *
 * Kernel 5.9, as root. The network is gone when this process ends, however it ends.
 */

import {loadCollection, readObject} from 'skep';
import {lab} from 'skep/lab';

import {objectPath} from './objects.js';

interface Prefix {
	/** Of 128: both families are in one map. */
	readonly prefixlen: number;
	readonly address: string;
}

interface Count {
	readonly packets: bigint;
}

await using net = await lab({
	hosts: ['client', 'server'],
	links: [{between: ['client', 'server'], ipv4: '198.51.100.0/24', ipv6: '2001:db8:1::/64'}],
});
const {client, server} = net.hosts;

using collection = loadCollection(await readObject(objectPath('xdp_drop_prefix')), {
	codecs: {dropped_prefixes: {key: {address: 'ipv6'}}},
});
server.attachXdp(collection.program('xdp_drop_prefix'));
const prefixes = collection.map<Prefix, Count>('dropped_prefixes');

const dropped = {
	ipv4: {prefixlen: 96 + 24, address: '::ffff:198.51.100.0'},
	ipv6: {prefixlen: 64, address: '2001:db8:1::'},
};

for (const [family, prefix] of Object.entries(dropped) as ['ipv4' | 'ipv6', Prefix][]) {
	const ping = async (): Promise<string> => {
		const time = await client.ping(server[family], {timeout: 500});
		return time === undefined ? 'no reply' : 'reply';
	};

	console.log(`${family}, not listed: ${await ping()}`);
	prefixes.set(prefix, {packets: 0n});
	console.log(`${family}, listed: ${await ping()}`);
	console.log(`${family}, dropped: ${prefixes.get(prefix)?.packets}`);
	prefixes.delete(prefix);
	console.log(`${family}, removed: ${await ping()}`);
}
