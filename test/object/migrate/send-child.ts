/** Sends numbered datagrams to each address in turn until it is told to stop; says how many. */

import {createSocket} from 'node:dgram';

const [port = '0', ...addresses] = process.argv.slice(2);
const sockets = addresses.map(address => createSocket(address.includes(':') ? 'udp6' : 'udp4'));
let next = 0;
let stopped = false;

process.on('message', () => {
	stopped = true;
});

function sendSome(): void {
	if (stopped) {
		for (const socket of sockets) socket.close();
		process.send?.(next);
		process.disconnect();
		return;
	}

	let waiting = sockets.length * 16;
	for (let i = 0; i < 16; i++) {
		for (const [index, socket] of sockets.entries()) {
			const payload = Buffer.alloc(64);
			payload.writeUInt32LE(next++);
			socket.send(payload, Number(port), addresses[index], () => {
				if (--waiting === 0) setImmediate(sendSome);
			});
		}
	}
}

sendSome();
