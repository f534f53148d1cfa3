/** Clients and servers of a datapath's tests. */

import {once} from 'node:events';
import type {Socket as UdpSocket} from 'node:dgram';
import type {Socket} from 'node:net';
import type {ExecutionContext} from 'ava';

import type {Host} from '../../src/lab/index.js';

/** Milliseconds that an answer is waited for: short where none is expected. */
export const patience = (expected: boolean): number => (expected ? 30_000 : 250);

/** Listens on a port of TCP and sends back what comes. */
export async function echo(host: Host, port: number): Promise<void> {
	const server = await host.listen(port);
	server.on('connection', connection => {
		connection.on('error', () => undefined);
		connection.pipe(connection);
	});
}

/** Sends some text over a connection; what came back. */
export async function talk(socket: Socket, text: string): Promise<string> {
	socket.write(text);
	const [answer] = (await once(socket, 'data')) as [Buffer];
	return answer.toString();
}

/** Sends so many bytes over a connection; whether they come back. */
export async function streams(socket: Socket, size: number): Promise<boolean> {
	const sent = Buffer.alloc(size, 'what goes there comes back. ');
	const received: Buffer[] = [];
	let length = 0;
	const whole = new Promise<void>(resolve => {
		socket.on('data', (piece: Buffer) => {
			received.push(piece);
			length += piece.length;
			if (length >= size) resolve();
		});
	});
	socket.write(sent);
	await whole;
	return Buffer.concat(received).equals(sent);
}

/** Does a connection come about? */
export async function connects(
	from: Host,
	address: string,
	port: number,
	timeout: number,
): Promise<boolean> {
	try {
		const socket = await from.connect(address, port, {signal: AbortSignal.timeout(timeout)});
		socket.destroy();
		return true;
	} catch {
		return false;
	}
}

/** Does an echo come back? */
export async function pings(from: Host, address: string, timeout: number): Promise<boolean> {
	return (await from.ping(address, {timeout})) !== undefined;
}

/** A UDP socket that sends back what comes, by both families. */
export async function echoUdp(t: ExecutionContext, host: Host, port: number): Promise<void> {
	const socket = await host.openUdp({port, family: 'ipv6'});
	socket.on('message', (message, {port: to, address}) => {
		socket.send(message, to, address);
	});
	t.teardown(() => socket.close());
}

export const familyOf = (address: string): 'ipv4' | 'ipv6' =>
	address.includes(':') ? 'ipv6' : 'ipv4';

/** Sends a datagram; the length of the answer, undefined when there was none in time. */
export async function asks(
	from: Host,
	address: string,
	port: number,
	size: number,
	timeout: number,
): Promise<number | undefined> {
	const socket = await from.openUdp({family: familyOf(address)});
	try {
		socket.send(Buffer.alloc(size, 0x2a), port, address);
		const [answer] = (await once(socket, 'message', {
			signal: AbortSignal.timeout(timeout),
		})) as [Buffer];
		return answer.length;
	} catch {
		return undefined;
	} finally {
		socket.close();
	}
}

/** The error that the kernel gives a connected socket for what it sent. */
export async function errorOf(socket: UdpSocket, address: string, port: number): Promise<string> {
	socket.connect(port, address);
	await once(socket, 'connect');
	const failed = once(socket, 'error', {signal: AbortSignal.timeout(patience(true))}).catch(
		(error: unknown) => [error],
	);
	// The error of the first is told with the second, or to a reader.
	socket.send('anybody there?');
	const [error] = (await failed) as [NodeJS.ErrnoException];
	return error.code ?? error.name;
}
