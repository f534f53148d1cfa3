/** XDP programs to be measured, as they stand on a node. */

import {join} from 'node:path';

import {datapathDown, datapathUp, openDatapathMaps, Prefilter} from '../src/datapath/index.js';
import {loadCollection, openPinnedProgram, readObject, type Program} from '../src/index.js';
import type {Host} from '../src/lab/index.js';
import {programFlags} from '../src/uapi/flags.js';
import {mountBpffs} from './bpffs.js';
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

/** Sources that are denied, of each family. */
const deniedPrefixes = 10_000;

/** The datapath's program, for sources that its lists have and for others. */
export async function prefilter({outside, node}: XdpPlace): Promise<Subjects> {
	const places = await Promise.all(
		[false, true].map(async denied => prefilterAt(outside, node, denied)),
	);
	return {
		list: places.flatMap(({list}) => list),
		async close() {
			for (const place of places) await place.close();
		},
	};
}

async function prefilterAt(outside: Host, node: Host, denied: boolean): Promise<Subjects> {
	const bpffs = mountBpffs();
	const root = `${bpffs.path}/skep`;
	await datapathUp({root, netns: node.netns, xdp: 'native'});
	using maps = openDatapathMaps({root, write: true});
	const others = Array.from({length: deniedPrefixes}, (_, i) => [
		`172.${16 + (i >> 8)}.${i & 0xff}.0/24`,
		`2001:db8:${(0x1000 + i).toString(16)}::/48`,
	]);
	const own = denied ? [`${outside.ipv4}/24`, `${outside.ipv6}/64`] : [];
	await new Prefilter(maps).replace([...own, ...others.flat()]);
	const program = openPinnedProgram(`${root}/programs/xdp_netdev`);
	const what = `${denied ? 'denied by' : 'not among'} ${2 * deniedPrefixes} prefixes`;
	return {
		list: families.map(family => ({
			what: `IPv${family} ${what}`,
			program,
			verdict: denied ? 'drop' : 'pass',
			family,
		})),
		async close() {
			program.close();
			await datapathDown({root});
			bpffs.close();
		},
	};
}
