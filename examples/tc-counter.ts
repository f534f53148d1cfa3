/**
 * Attaches tc programs to both directions of an interface and prints the busiest flows at the end,
 * which Ctrl-C brings forward.
 *
 *     node dist/examples/tc-counter.js INTERFACE [SECONDS]
 *
 * Kernel 6.6 (tcx): other programs on the hook go on working, these run last.
 */

import {setTimeout as sleep} from 'node:timers/promises';

import {attachTcx, loadCollection, readObject} from 'skep';

import {objectPath} from './objects.js';

interface FlowKey {
	readonly source: {readonly bytes: string};
	readonly destination: {readonly bytes: string};
	readonly source_port: number;
	readonly destination_port: number;
	readonly direction: number;
}

interface Flow {
	readonly packets: bigint;
	readonly bytes: bigint;
}

const [device, seconds = '10'] = process.argv.slice(2);
if (device === undefined) throw new Error('usage: tc-counter.js INTERFACE [SECONDS]');

using collection = loadCollection(await readObject(objectPath('tc_flows')), {
	// Addresses and ports are in network order, which the types of C cannot say.
	codecs: {
		flows: {
			key: {
				source: {bytes: 'ipv6'},
				destination: {bytes: 'ipv6'},
				source_port: 'be16',
				destination_port: 'be16',
			},
		},
	},
});
using ingress = attachTcx(collection.program('flows_ingress'), device);
using egress = attachTcx(collection.program('flows_egress'), device, {anchor: 'last'});
console.log(`attached to ${device} as links ${ingress.info().id} and ${egress.info().id}`);

const stop = new AbortController();
process.once('SIGINT', () => {
	stop.abort();
});
await sleep(Number(seconds) * 1000, undefined, {signal: stop.signal}).catch(() => undefined);

const flows = collection.map<FlowKey, Flow>('flows');
const busiest = [...flows].sort(([, a], [, b]) => Number(b.bytes - a.bytes)).slice(0, 10);
for (const [key, {packets, bytes}] of busiest) {
	const from = `${key.source.bytes} port ${key.source_port}`;
	const to = `${key.destination.bytes} port ${key.destination_port}`;
	console.log(
		`${key.direction === 1 ? 'in' : 'out'} ${from} -> ${to}: ${packets} packets, ${bytes} bytes`,
	);
}
