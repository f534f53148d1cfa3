/** Sockets of a host as Node's own objects. */

import {createSocket, type Socket as UdpSocket} from 'node:dgram';
import {once} from 'node:events';
import {createServer, Socket, type Server, type SocketConstructorOpts} from 'node:net';

import {openSocket} from '../../kernel/sys/namespace.js';
import {families} from '../../uapi/rtnetlink.js';
import {socketAddress} from './sockaddr.js';

const types = {stream: 1, datagram: 2} as const;
const icmpProtocols = {ipv4: 1, ipv6: 58} as const;

/** Descriptors of where a socket is opened. */
export interface SocketPlace {
	readonly netns: number;
	readonly cgroup: number;
}

/** Of addresses. */
export type Family = 'ipv4' | 'ipv6';

/** Where a connection comes from. */
export interface ConnectOptions {
	/** Address, and port, that the connection comes from; the kernel's choice unless given. */
	readonly localAddress?: string;
	readonly localPort?: number;
	/** Gives the attempt up. */
	readonly signal?: AbortSignal;
}

/** Where a server listens. */
export interface ListenOptions {
	/** Every address of both families unless given. */
	readonly address?: string;
}

/** What a UDP socket is bound to. */
export interface UdpOptions {
	/** The kernel's choice unless given. */
	readonly port?: number;
	/** Every address of the family unless given. */
	readonly address?: string;
	/** That of `address`, or `ipv4`, unless given. */
	readonly family?: Family;
}

const anyAddress = {ipv4: '0.0.0.0', ipv6: '::'} as const;

export async function connectTcp(
	{netns, cgroup}: SocketPlace,
	address: string,
	port: number,
	options: ConnectOptions,
): Promise<Socket> {
	const {family} = socketAddress(address, port);
	const {localAddress, localPort = 0, signal} = options;
	const isBound = localAddress !== undefined || localPort !== 0;
	const any = family === families.ipv4 ? anyAddress.ipv4 : anyAddress.ipv6;
	const bound = isBound ? {address: socketAddress(localAddress ?? any, localPort).bytes} : {};
	const fd = openSocket(
		'open socket',
		{family, type: types.stream, protocol: 0, cgroup, ...bound},
		netns,
	);
	// Reading begins with the connection: before, there is nothing to read from.
	const settings = {fd, manualStart: true} as SocketConstructorOpts;
	const socket = new Socket(settings);
	try {
		socket.connect({host: address, port});
		await once(socket, 'connect', signal ? {signal} : {});
	} catch (error) {
		socket.destroy();
		throw error;
	}

	return socket;
}

export async function listenTcp(
	{netns, cgroup}: SocketPlace,
	port: number,
	{address = anyAddress.ipv6}: ListenOptions,
): Promise<Server> {
	const {family, bytes} = socketAddress(address, port);
	const socket = {family, type: types.stream, protocol: 0, address: bytes, cgroup};
	const fd = openSocket('open socket', socket, netns);
	const server = createServer();
	server.listen({fd});
	await once(server, 'listening');
	return server;
}

export function openUdp({netns, cgroup}: SocketPlace, options: UdpOptions): UdpSocket {
	const {port = 0, address = anyAddress[options.family ?? 'ipv4']} = options;
	const {family, bytes} = socketAddress(address, port);
	const socket = {family, type: types.datagram, protocol: 0, address: bytes, cgroup};
	return adopt(openSocket('open socket', socket, netns), family);
}

export function openIcmp({netns, cgroup}: SocketPlace, family: Family): UdpSocket {
	const number = families[family];
	const address = socketAddress(anyAddress[family], 0).bytes;
	const protocol = icmpProtocols[family];
	const socket = {family: number, type: types.datagram, protocol, address, cgroup};
	return adopt(openSocket('open socket', socket, netns), number);
}

function adopt(fd: number, family: number): UdpSocket {
	const socket = createSocket(family === families.ipv4 ? 'udp4' : 'udp6');
	// It is bound at once.
	socket.bind({fd});
	return socket;
}
