/** Sockets that services gave a backend, and those whose messages skip the stack. */

import {UsageError} from '../../base/errors.js';
import {DatapathError} from '../datapath-error.js';
import type {ReverseSocketKey, ReverseSocketValue} from '../layout/service.js';
import type {DatapathMaps} from '../maps.js';
import {raiseSockmapRevision} from '../revisions.js';
import {fromDirect, toDirect} from './direct-address.js';

/** A socket's peer, as the network and as its application knows it. */
export interface ServiceSocket {
	/** Of the socket. */
	readonly cookie: bigint;
	readonly backend: {readonly address: string; readonly port: number};
	readonly frontend: {readonly address: string; readonly port: number};
	/** Number of the service. */
	readonly service: number;
	/** The service is gone, or another has its frontend. */
	readonly stale: boolean;
}

/** A socket whose messages may go straight to its peer. */
export interface DirectSocket {
	readonly cookie: bigint;
	readonly local: {readonly address: string; readonly port: number};
	readonly remote: {readonly address: string; readonly port: number};
}

/** Whose connections are direct: a frontend or a server, or without an address a port of all. */
export interface DirectPort {
	readonly address?: string;
	readonly port: number;
}

/**
 * The sockets of a datapath on a cgroup (`datapathUp({cgroup, sockmap})`).
 *
 * Connections are chosen before they are opened: those that are open keep the stack.
 */
export class Sockets {
	private readonly maps: DatapathMaps;

	constructor(maps: DatapathMaps) {
		this.maps = maps;
	}

	/** Sockets that a service gave a backend, in no order. On a Cilium node, too. */
	*[Symbol.iterator](): Generator<ServiceSocket> {
		const names = ['reverseSockets4', 'reverseSockets6'] as const;
		for (const name of names) {
			const numbers = this.frontends(name === 'reverseSockets4' ? 'services4' : 'services6');
			for (const [key, value] of this.maps.require(name))
				yield serviceSocket(key, value, numbers);
		}
	}

	/**
	 * Forgets sockets of services that are gone, or with `all` every socket: their applications see
	 * backends from then on. Gives how many.
	 */
	flush({all = false}: {readonly all?: boolean} = {}): number {
		let flushed = 0;
		for (const {cookie, backend, stale} of [...this]) {
			if (!all && !stale) continue;
			const name = backend.address.includes(':') ? 'reverseSockets6' : 'reverseSockets4';
			if (this.maps.require(name).delete({cookie, ...backend})) flushed++;
		}

		return flushed;
	}

	/** Sockets whose messages may skip the stack; both ends of a connection. */
	*direct(): Generator<DirectSocket> {
		const map = this.opened('directSockets');
		for (const key of map.keys()) {
			const cookie = map.get(key);
			// It was closed meanwhile.
			if (cookie === undefined) continue;
			const {family, local, remote, local_port, remote_port} = key;
			yield {
				cookie,
				local: {address: fromDirect(local, family), port: local_port},
				remote: {address: fromDirect(remote, family), port: remote_port},
			};
		}
	}

	/** Whose connections are direct. */
	chosen(): DirectPort[] {
		return [...this.opened('directPorts').keys()].map(({address, port, family}) =>
			family === 0 ? {port} : {address: fromDirect(address, family), port},
		);
	}

	/**
	 * Makes connections direct from the next one on. By a frontend of a service those are meant that
	 * clients open to it, by a server's address all to it.
	 */
	choose(port: DirectPort): void {
		this.opened('directPorts').set(directKey('choose connections', port), 1);
		raiseSockmapRevision(this.maps);
	}

	/** Leaves connections to the stack, the running ones too. False where they were not chosen. */
	unchoose(port: DirectPort): boolean {
		const map = this.opened('directPorts');
		const wasThere = map.delete(directKey('leave connections to the stack', port));
		raiseSockmapRevision(this.maps);
		return wasThere;
	}

	/** What is there once direct connections were switched on. */
	private opened<Name extends 'directSockets' | 'directPorts'>(name: Name) {
		if (this.maps[name] === undefined) {
			const detail =
				'connections were never direct: "skep datapath up --cgroup PATH --sockmap" lets them be';
			throw new DatapathError('open direct sockets of', this.maps.root, detail);
		}

		return this.maps.require(name);
	}

	/** Numbers of services by `address|port`. */
	private frontends(name: 'services4' | 'services6'): ReadonlyMap<string, ReadonlySet<number>> {
		const found = new Map<string, Set<number>>();
		for (const [key, value] of this.maps.require(name)) {
			if (key.backend_slot !== 0) continue;
			const at = `${key.address}|${key.dport}`;
			found.set(at, (found.get(at) ?? new Set()).add(value.rev_nat_index));
		}

		return found;
	}
}

const anyAddress = {ipv4: '0.0.0.0', ipv6: '::'} as const;

function serviceSocket(
	{cookie, ...backend}: ReverseSocketKey,
	{rev_nat_index: service, ...frontend}: ReverseSocketValue,
	numbers: ReadonlyMap<string, ReadonlySet<number>>,
): ServiceSocket {
	const {address, port} = frontend;
	const any = address.includes(':') ? anyAddress.ipv6 : anyAddress.ipv4;
	const has = (at: string) => numbers.get(`${at}|${port}`)?.has(service) ?? false;
	return {cookie, backend, frontend, service, stale: !has(address) && !has(any)};
}

function directKey(what: string, {address, port}: DirectPort) {
	if (!Number.isInteger(port) || port < 1 || port > 0xffff) {
		throw new UsageError(`${what}: a port is a number from 1 to 65535, got ${port}`);
	}

	return {port, ...(address === undefined ? {address: '::', family: 0} : toDirect(address))};
}
