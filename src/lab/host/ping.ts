/** ICMP echo. */

import type {Socket} from 'node:dgram';

const echoTypes = {
	ipv4: {request: 8, reply: 0},
	ipv6: {request: 128, reply: 129},
} as const;

/** An echo and how long its reply is waited for. */
export interface PingOptions {
	/** Milliseconds; 1000 unless given. */
	readonly timeout?: number;
	/** Bytes behind the ICMP header; 56 unless given. */
	readonly size?: number;
}

/** Milliseconds until the reply came; undefined when none did in time. */
export async function ping(
	socket: Socket,
	address: string,
	family: 'ipv4' | 'ipv6',
	{timeout = 1000, size = 56}: PingOptions,
): Promise<number | undefined> {
	const {request, reply} = echoTypes[family];
	// The kernel fills in identifier and checksum.
	const message = Buffer.alloc(8 + size, 0x2a);
	message.set([request, 0, 0, 0, 0, 0, 0, 1]);
	const start = performance.now();
	return new Promise((resolve, reject) => {
		// A reply that came while the event loop was busy counts, too.
		const timer = setTimeout(() => setImmediate(resolve, undefined), timeout);
		const settle = (work: () => void) => {
			clearTimeout(timer);
			work();
		};
		socket.on('message', answer => {
			if (answer[0] !== reply || answer.readUInt16BE(6) !== 1) return;
			settle(() => resolve(performance.now() - start));
		});
		const fail = (error: Error | null): void => {
			if (error !== null) settle(() => reject(error));
		};
		socket.once('error', fail);
		// The port says nothing, but there must be one.
		socket.send(message, 1, address, fail);
	});
}
