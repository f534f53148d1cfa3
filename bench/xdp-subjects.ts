/** XDP programs to be measured, as they stand on a node. */

import {join} from 'node:path';

import {loadCollection, readObject, type Program} from '../src/index.js';
import type {Host} from '../src/lab/index.js';
import {programFlags} from '../src/uapi/flags.js';
import {output} from './floor.js';
import type {Goal} from './report.js';
import {makeServices, type Family} from './service-list.js';

/** A program on the node's device, whose only neighbour is outside. */
export interface Subject {
	readonly what: string;
	readonly program: Program;
	readonly verdict: 'pass' | 'drop' | 'tx';
	/** Of the frames that it gets; IPv4 unless given. */
	readonly family?: Family;
	/** In nanoseconds net of an empty program. */
	readonly cost?: Goal;
	/** In millions a second. */
	readonly rate?: Goal;
}

/** Where subjects are made: node and outside are joined by their first interfaces. */
export interface XdpPlace {
	readonly outside: Host;
	readonly node: Host;
}

/** Subjects of one kind, and what they need. */
export interface Subjects {
	readonly list: readonly Subject[];
	close(): Promise<void>;
}

/** The service that frames are for. */
export const frontend = (family: Family): {address: string; port: number} => {
	const [service] = makeServices(family, 1, []);
	return {address: service?.address ?? '', port: service?.port ?? 0};
};

const families = [4, 6] as const;

/** The least that a load balancer does: bpf/xdp_balance.bpf.c, which writes MACs alone. */
export async function exampleBalancer({outside}: XdpPlace): Promise<Subjects> {
	const spec = await readObject(join(output, 'bpf/xdp_balance.bpf.o'));
	const {xdp_balance: program} = spec.programs;
	if (program === undefined) throw new TypeError('there is no program xdp_balance');
	// As the programs that it is called from: all or none take frames in several pieces.
	const flags = program.flags | programFlags.xdp_has_frags;
	const collection = loadCollection(
		{...spec, programs: {xdp_balance: {...program, flags}}},
		{
			codecs: {
				services: {key: {address: {bytes: 'ipv6'}, port: 'be16'}},
				backends: {value: {mac: 'mac'}},
			},
		},
	);
	const mac = outside.interfaces[0]?.mac ?? '';
	collection.map('backends').set(0, {mac, pad: [0, 0], packets: 0n});
	for (const family of families) {
		const {address, port} = frontend(family);
		const bytes = family === 4 ? `::ffff:${address}` : address;
		collection
			.map('services')
			.set({address: {bytes}, port, l4_proto: 6, pad: [0, 0, 0, 0, 0]}, {first: 0, count: 1});
	}

	return {
		list: families.map(family => ({
			what: `IPv${family} example: to a backend's MAC`,
			program: collection.program('xdp_balance'),
			verdict: 'tx',
			family,
		})),
		async close() {
			collection.close();
			return Promise.resolve();
		},
	};
}
