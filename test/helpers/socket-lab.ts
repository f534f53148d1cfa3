/** A client whose sockets are given backends, and a server with several of them. */

import {closeSync, mkdirSync, openSync} from 'node:fs';
import {once} from 'node:events';
import type {AddressInfo, Socket} from 'node:net';
import type {Socket as UdpSocket} from 'node:dgram';
import type {ExecutionContext} from 'ava';

import {namespaceCookie} from '../../src/kernel/sys/namespace.js';
import {openDatapathMaps, type DatapathMaps} from '../../src/datapath/index.js';
import {prepareObject} from '../../src/datapath/objects.js';
import {mapSizes} from '../../src/datapath/sizes.js';
import {lab, type Host} from '../../src/lab/index.js';
import {loadCollection} from '../../src/object/collection/load-collection.js';
import type {BpfMap} from '../../src/object/map/map.js';
import {makeBpffs} from './bpffs.js';
import {addressesOf} from './datapath-lab.js';

export type Family = 'ipv4' | 'ipv6';
export const families = ['ipv4', 'ipv6'] as const;

/** Frontends, which no interface has. */
export const frontends = {ipv4: '203.0.113.80', ipv6: '2001:db8:80::80'} as const;

export const protocols = {tcp: 6, udp: 17, any: 0} as const;

/** A service as the maps have it. */
export interface TestService {
	/** Number of the service. */
	readonly number: number;
	readonly address: string;
	readonly port: number;
	readonly protocol?: keyof typeof protocols;
	/** Backends by id. */
	readonly backends?: Readonly<Record<number, {readonly address: string; readonly port: number}>>;
	readonly flags?: number;
	readonly flags2?: number;
	/** What stands in the first field: of affinity its seconds, of L7 the proxy's port. */
	readonly first?: number;
	readonly scope?: 0 | 1;
}

/** Whose sockets: another namespace's than the node's, the node's own, or another where only the
 * node's are given backends.
 */
export type ClientKind = 'other' | 'node' | 'left';
const kinds: readonly ClientKind[] = ['other', 'node', 'left'];

export interface SocketLab {
	readonly client: Host;
	readonly server: Host;
	readonly clientAddress: Readonly<Record<Family, string>>;
	readonly serverAddress: Readonly<Record<Family, string>>;
	readonly maps: DatapathMaps;
	/** Writes a service: backends, slots, then the frontend. */
	readonly serve: (service: TestService) => void;
	/** Takes it away. */
	readonly withdraw: (service: TestService) => void;
	/** How often something was counted, by its reason. */
	readonly counted: (reason: number) => bigint;
}

/** Ports of the server where TCP and UDP tell their names. */
export const tellers = {one: 8081, two: 8082} as const;

const used = [
	...(['services4', 'services6', 'backends4', 'backends6', 'affinity4', 'affinity6'] as const),
	...(['affinityMatch', 'reverseSockets4', 'reverseSockets6', 'endpoints', 'ipcache'] as const),
	...(['skipServices4', 'skipServices6', 'metrics'] as const),
] as const;

interface Laboratory {
	readonly clients: Readonly<Record<ClientKind, SocketLab>>;
	readonly close: () => Promise<void>;
}

let laboratory: Promise<Laboratory> | undefined;

/** The programs on a client's cgroup, and maps without entries: for one test at a time. */
export async function socketLab(
	t: ExecutionContext,
	kind: ClientKind = 'other',
): Promise<SocketLab> {
	laboratory ??= openLaboratory(t);
	const client = (await laboratory).clients[kind];
	for (const name of used) {
		const map: BpfMap = client.maps.require(name);
		for (const key of [...map.keys()]) map.delete(key);
	}

	return client;
}

/** For when all tests of the process have run. */
export async function closeSocketLab(): Promise<void> {
	await (await laboratory)?.close();
}

async function openLaboratory(t: ExecutionContext): Promise<Laboratory> {
	const root = await makeBpffs(t);
	const net = await lab({
		name: 'sockets',
		hosts: [...kinds, 'server'],
		bridges: ['switch'],
		links: [...kinds, 'server' as const].map(name => [name, 'switch'] as const),
	});
	const {server} = net.hosts;
	for (const [name, port] of Object.entries(tellers)) await tell(server, port, name);
	const fd = openSync(net.hosts.node.netns, 'r');
	const cookie = namespaceCookie(fd);
	closeSync(fd);
	const opened: {readonly close: () => void}[] = [];
	const openClient = async (kind: ClientKind): Promise<SocketLab> => {
		const client = net.hosts[kind];
		const constants = {socket_host_only: Number(kind === 'left'), host_netns_cookie: cookie};
		const sizes = mapSizes({socketReverseNat: 1024});
		const spec = await prepareObject('sock', {constants, traceSockets: true}, sizes);
		const pinRoot = `${root}/${kind}`;
		mkdirSync(pinRoot);
		const collection = loadCollection(spec, {pinRoot});
		for (const program of Object.values(collection.programs)) client.attachCgroup(program);
		const maps = openDatapathMaps({root: pinRoot, write: true});
		opened.push(maps, collection);
		// All opened now: the pins end with the test.
		for (const name of [...used, 'events' as const]) maps.require(name);
		return {
			...{client, server, maps},
			clientAddress: byFamily(client),
			serverAddress: byFamily(server),
			...serviceWriter(maps),
			counted: reason => countOf(maps, reason),
		};
	};
	const clients = {
		other: await openClient('other'),
		node: await openClient('node'),
		left: await openClient('left'),
	};
	return {
		clients,
		async close() {
			await net.close();
			for (const each of opened) each.close();
		},
	};
}

function byFamily(host: Host): Record<Family, string> {
	const [ipv4, ipv6] = addressesOf(host);
	return {ipv4, ipv6};
}

/** Each connection and each datagram is answered with the name. */
async function tell(server: Host, port: number, name: string): Promise<void> {
	const listener = await server.listen(port);
	listener.on('connection', socket => {
		socket.on('error', () => undefined);
		socket.end(name);
	});
	const socket = await server.openUdp({port, family: 'ipv6'});
	socket.on('message', (_, {port: to, address}) => {
		socket.send(name, to, address);
	});
}

function serviceWriter(maps: DatapathMaps): Pick<SocketLab, 'serve' | 'withdraw'> {
	const mapsOf = ({address}: TestService) =>
		address.includes(':')
			? {services: maps.require('services6'), backends: maps.require('backends6')}
			: {services: maps.require('services4'), backends: maps.require('backends4')};
	const keyOf = (service: TestService, slot: number) => ({
		...{address: service.address, dport: service.port, backend_slot: slot},
		proto: protocols[service.protocol ?? 'tcp'],
		scope: service.scope ?? 0,
	});
	return {
		serve(service) {
			const {services, backends} = mapsOf(service);
			const {number, flags = 0, flags2 = 0, first = 0} = service;
			const ids = Object.entries(service.backends ?? {});
			const rest = {count: 0, rev_nat_index: number, flags: 0, flags2: 0, qcount: 0};
			for (const [i, [id, {address, port}]] of ids.entries()) {
				const value = {address, port, proto: 0, flags: 0, cluster_id: 0, zone: 0};
				backends.set(Number(id), value);
				services.set(keyOf(service, i + 1), {...rest, backend_id: Number(id)});
			}

			services.set(keyOf(service, 0), {
				...{...rest, affinity_timeout: first, count: ids.length},
				...{flags, flags2},
			});
		},
		withdraw(service) {
			const {services} = mapsOf(service);
			services.delete(keyOf(service, 0));
		},
	};
}

function countOf(maps: DatapathMaps, reason: number): bigint {
	let sum = 0n;
	for (const [key, values] of maps.require('metrics')) {
		if (key.reason !== reason) continue;
		for (const {count} of values) sum += count;
	}

	return sum;
}

/** What a TCP server says; whom the socket takes it for. */
export async function ask(
	host: Host,
	address: string,
	port: number,
): Promise<{readonly name: string; readonly peer: string}> {
	const socket = await host.connect(address, port);
	const peer = peerOf(socket);
	let name = '';
	socket.setEncoding('utf8').on('data', (text: string) => {
		name += text;
	});
	await once(socket, 'close');
	return {name, peer};
}

export const peerOf = (socket: Socket): string => `${socket.remoteAddress}|${socket.remotePort}`;

/** The errno of a connection that fails. */
export async function refusal(host: Host, address: string, port: number): Promise<string> {
	try {
		const socket = await host.connect(address, port, {signal: AbortSignal.timeout(30_000)});
		socket.destroy();
		return 'connected';
	} catch (error) {
		const {cause = error} = error as {cause?: unknown};
		return (cause as NodeJS.ErrnoException).code ?? String(error);
	}
}

/** Sends a datagram; the answer and whom it comes from. */
export async function exchange(
	socket: UdpSocket,
	to?: {readonly address: string; readonly port: number},
): Promise<{readonly name: string; readonly from: string}> {
	const answered = once(socket, 'message', {signal: AbortSignal.timeout(30_000)});
	if (to === undefined) socket.send('who?');
	else socket.send('who?', to.port, to.address);
	const [message, {address, port}] = (await answered) as [Buffer, AddressInfo];
	return {name: message.toString(), from: `${address}|${port}`};
}

/** A service with backends 1 and 2 at ports 8081 and 8082 of the server. */
export function twoBackends(
	{serverAddress}: SocketLab,
	family: Family,
	more: Partial<TestService> = {},
): TestService {
	const address = serverAddress[family];
	return {
		...{number: 7, address: frontends[family], port: 80},
		backends: {1: {address, port: tellers.one}, 2: {address, port: tellers.two}},
		...more,
	};
}
