/**
 * Loads an XDP program, attaches it to an interface, and prints once a second what it counts.
 *
 *     node dist/examples/xdp-attach.js INTERFACE [SECONDS] [--generic]
 *
 * Kernel 5.9. The program is detached when this process ends, however it ends.
 */

import {setTimeout as sleep} from 'node:timers/promises';

import {attachXdp, loadCollection, readObject} from 'skep';

import {objectPath} from './objects.js';

const [device, seconds = '10'] = process.argv.slice(2).filter(word => !word.startsWith('--'));
if (device === undefined) throw new Error('usage: xdp-attach.js INTERFACE [SECONDS] [--generic]');
const mode = process.argv.includes('--generic') ? 'generic' : 'native';

using collection = loadCollection(await readObject(objectPath('xdp_count')));
using link = attachXdp(collection.program('xdp_count'), device, {mode});
console.log(`attached to ${device}, ${mode}, as link ${link.info().id}`);

for (let second = 0; second < Number(seconds); second++) {
	await sleep(1000);
	let packets = 0n;
	// One value for each CPU.
	for (const [, cpus] of collection.map<unknown, Count[]>('packet_counts')) {
		for (const count of cpus) packets += count.packets;
	}

	console.log(`${packets} packets`);
}

interface Count {
	readonly packets: bigint;
	readonly bytes: bigint;
}
