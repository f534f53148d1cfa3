/** Clients of services: within the node and outside. */

import {once} from 'node:events';
import type {Socket} from 'node:net';
import type {ExecutionContext} from 'ava';

import type {Host} from '../../src/lab/index.js';
import {
	connects,
	echoUdp,
	errorOf,
	familyOf,
	patience,
	streams,
	talk,
} from '../helpers/datapath-clients.js';
import {addressesOf, makeDatapathLab, type DatapathLab} from '../helpers/datapath-lab.js';
import {kernelTest} from '../helpers/kernel.js';
import {writeService, type WrittenService} from '../helpers/services.js';

const kernel = kernelTest({feature: 'links of tcx', since: '6.6'});

/** Nobody's. */
const virtual = ['10.96.0.10', 'fd00:96::a'] as const;

const bare = (prefix = ''): string => prefix.split('/')[0] ?? '';

/** Says its name, then sends back what comes. */
async function named(host: Host, port: number, name: string): Promise<void> {
	const server = await host.listen(port);
	server.on('connection', connection => {
		connection.on('error', () => undefined);
		connection.write(name);
		connection.pipe(connection);
	});
}

/** A connection, and the name of who took it. */
async function meet(from: Host, address: string, port: number): Promise<[Socket, string]> {
	const socket = await from.connect(address, port, {signal: AbortSignal.timeout(patience(true))});
	const [name] = (await once(socket, 'data')) as [Buffer];
	return [socket, name.toString()];
}

/** A datagram to a service and its echo, which comes from there: the socket takes no other. */
async function asksService(from: Host, address: string, size: number): Promise<number> {
	const socket = await from.openUdp({family: familyOf(address)});
	try {
		socket.connect(80, address);
		await once(socket, 'connect');
		socket.send(Buffer.alloc(size, 0x2a));
		const [answer] = (await once(socket, 'message', {
			signal: AbortSignal.timeout(patience(true)),
		})) as [Buffer];
		return answer.length;
	} finally {
		socket.close();
	}
}

interface Served {
	readonly lab: DatapathLab;
	/** Writes a service of each family, whose backends are these hosts by number. */
	readonly serve: (
		service: Partial<WrittenService> & {readonly id: number},
		backends: readonly (readonly [host: Host, port: number, more?: object])[],
		at?: readonly [string, string],
	) => void;
}

async function serving(t: ExecutionContext): Promise<Served> {
	const lab = await makeDatapathLab(t, {services: {nodePort: true}});
	return {
		lab,
		serve(service, backends, at = virtual) {
			for (const [i, address] of at.entries()) {
				writeService(lab.maps, {
					...{address, port: 80, flags: ['loadBalancer', 'routable']},
					...service,
					backends: backends.map(([host, port, more], place) => ({
						...{id: service.id * 10 + place, address: addressesOf(host)[i] ?? '', port},
						...more,
					})),
				});
			}
		},
	};
}

kernel('endpoints and the world meet a service, which answers them', async t => {
	const {lab, serve} = await serving(t);
	const {red, blue, world, node} = lab;
	await named(blue, 8080, 'blue');
	await named(red, 8080, 'red');
	await echoUdp(t, blue, 8081);
	serve({id: 1}, [[blue, 8080]]);
	serve({id: 2, protocol: 17}, [[blue, 8081]]);
	const [, , device] = node.interfaces;
	const outside = [bare(device?.ipv4), bare(device?.ipv6)] as const;
	serve({id: 3, port: 30_080, flags: ['nodePort', 'routable']}, [[blue, 8080]], outside);

	for (const [who, from] of Object.entries({red, world})) {
		for (const address of virtual) {
			const [socket, name] = await meet(from, address, 80);
			t.is(name, 'blue', `${who} at ${address}`);
			t.true(await streams(socket, 2_000_000), `${who} at ${address}: two megabytes`);
			socket.destroy();
			for (const size of [33, 4000]) {
				const answer = await asksService(from, address, size);
				t.is(answer, size, `${who} at ${address}: a datagram of ${size}`);
			}
		}
	}

	for (const address of outside) {
		const [socket, name] = await meet(world, address, 30_080);
		t.is(name, 'blue', `world at ${address}`);
		t.true(await streams(socket, 200_000));
		socket.destroy();
	}
});

kernel('an endpoint meets itself behind a service', async t => {
	const {lab, serve} = await serving(t);
	await named(lab.red, 8080, 'red');
	serve({id: 1}, [[lab.red, 8080]]);
	for (const address of virtual) {
		const [socket, name] = await meet(lab.red, address, 80);
		t.is(name, 'red');
		t.true(await streams(socket, 200_000));
		socket.destroy();
	}
});

kernel('who asks a backend that does not listen is told by the service', async t => {
	const {lab, serve} = await serving(t);
	serve({id: 2, protocol: 17}, [[lab.blue, 8099]]);
	for (const from of [lab.red, lab.world]) {
		for (const address of virtual) {
			const socket = await from.openUdp({family: familyOf(address)});
			t.is(await errorOf(socket, address, 80), 'ECONNREFUSED', address);
			socket.close();
		}
	}
});

kernel('a backend goes, and connections of others stay', async t => {
	const {lab, serve} = await serving(t);
	const {red, blue, world} = lab;
	await named(red, 8080, 'red');
	await named(blue, 8080, 'blue');
	const both = [
		[red, 8080],
		[blue, 8080],
	] as const;
	serve({id: 1}, both);
	const open: {socket: Socket; name: string; address: string}[] = [];
	for (let i = 0; i < 40; i++) {
		const address = virtual[i % 2] ?? '';
		const [socket, name] = await meet(world, address, 80);
		open.push({socket, name, address});
	}

	t.deepEqual([...new Set(open.map(({name}) => name))].toSorted(), ['blue', 'red']);
	const all = async (names: readonly string[]): Promise<void> => {
		for (const {socket, name} of open) {
			if (names.includes(name)) t.is(await talk(socket, 'still there'), 'still there', name);
		}
	};
	const next = async (): Promise<void> => {
		for (let i = 0; i < 10; i++) {
			const [socket, name] = await meet(world, virtual[i % 2] ?? '', 80);
			t.is(name, 'red');
			socket.destroy();
		}
	};

	// It is to have no new connections, and keeps those that it has.
	serve({id: 1}, [
		[red, 8080],
		[blue, 8080, {state: 'terminating', noSlot: true}],
	]);
	await all(['red', 'blue']);
	await next();
	for (const family of [4, 6] as const) lab.maps.require(`backends${family}`).delete(11);
	await all(['red']);
	await next();
	for (const {socket} of open) socket.destroy();
	t.false(await connects(world, virtual[0], 81, 250));
});
