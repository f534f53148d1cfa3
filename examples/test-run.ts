/**
 * Runs an XDP program on packets made by hand, without attaching it.
 *
 *     node dist/examples/test-run.js
 *
 * Kernel 4.12.
 */

import {hex, loadCollection, readObject} from 'skep';

import {objectPath} from './objects.js';

/** An Ethernet frame with an IPv4 UDP datagram from 192.0.2.1 to 192.0.2.2. */
function udpPacket(port: number): Uint8Array {
	const packet = Buffer.alloc(60);
	packet.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00]);
	packet.set([0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2], 14);
	packet.writeUInt16BE(4000, 34);
	packet.writeUInt16BE(port, 36);
	packet.writeUInt16BE(26, 38);
	return packet;
}

const spec = await readObject(objectPath('xdp_count'));
using collection = loadCollection(spec, {variables: {drop_udp_port: 9}});
const program = collection.program('xdp_count');

for (const port of [9, 53]) {
	const {verdict, duration} = program.run({data: udpPacket(port), repeat: 1000});
	console.log(`udp to port ${port}: ${verdict}, ${duration} ns`);
}

const {data} = program.run({data: udpPacket(53)});
console.log(`the packet, unchanged: ${hex(data.subarray(0, 14))} ...`);
