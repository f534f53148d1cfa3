/** Traffic between hosts of a lab, by bench/native/traffic.c. */

import {once} from 'node:events';
import {join} from 'node:path';

import type {Host} from '../src/lab/index.js';
import {build} from './floor.js';

export const trafficPort = 7000;
const traffic = join(build, 'build/Release/traffic');

/** What goes back and forth. */
export interface TrafficKind {
	readonly mode: 'exchange' | 'connect' | 'bulk';
	readonly connections: number;
}

export interface Target {
	/** Taken in turn by connections. */
	readonly addresses: readonly string[];
	readonly port: number;
	/** Of the servers behind them, as `startServer` gave them. */
	readonly servers: readonly number[];
}

/** Exchanges, or in bulk bytes. */
export interface TrafficRate {
	/** In a second of both sides' CPU time. */
	readonly perCpuSecond: number;
	readonly perSecond: number;
	/** Microseconds of half the exchanges, and of 99 in 100 of them; not in bulk. */
	readonly p50?: number;
	readonly p99?: number;
}

/** Starts a server on `trafficPort` of all its addresses; its process id. It ends with the lab. */
export async function startServer(host: Host, cpu = 0): Promise<number> {
	const server = host.spawn(traffic, ['serve', String(trafficPort), String(cpu)]);
	if (server.stdout === null) throw new TypeError('the server has no output');
	const [pid] = (await once(server.stdout, 'data')) as [Buffer];
	return Number(pid.toString());
}

/** Runs a client on the first CPU. */
export async function runTraffic(
	from: Host,
	{mode, connections}: TrafficKind,
	{addresses, port, servers}: Target,
	milliseconds: number,
): Promise<TrafficRate> {
	const {stdout, stderr, code} = await from.exec(traffic, [
		mode,
		addresses.join(','),
		String(port),
		String(connections),
		String(milliseconds),
		servers.join(','),
	]);
	if (code !== 0) throw new Error(`${mode} with ${addresses.join(', ')}: ${stderr.trim()}`);
	return JSON.parse(stdout) as TrafficRate;
}
