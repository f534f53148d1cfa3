/** XDP of a node between a client and backends, run in its namespace on frames from either. */

import {closeSync, openSync} from 'node:fs';
import type {ExecutionContext} from 'ava';

import {Metrics, openDatapathMaps, type DatapathMaps} from '../../../src/datapath/index.js';
import {prepareObject} from '../../../src/datapath/objects.js';
import {raiseServicesRevision} from '../../../src/datapath/revisions.js';
import {mapSizes} from '../../../src/datapath/sizes.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {programTestRun} from '../../../src/kernel/sys/program.js';
import {
	ethernet,
	ipv4,
	ipv6,
	lab,
	packet,
	parsePacket,
	type Host,
	type Packet,
	type PacketPart,
} from '../../../src/lab/index.js';
import {encodeContext} from '../../../src/lab/run/context.js';
import {xdpActionName} from '../../../src/uapi/verdicts.js';
import {makeBpffs} from '../../helpers/bpffs.js';

export type Family = 4 | 6;
export type End = 'client' | 'backend';

const bare = (prefix: string | undefined): string => prefix?.split('/')[0] ?? '';
const metadataSize = 12;

/** What XDP left to tc. */
export interface Handed {
	readonly flags: number;
	readonly index: number;
	readonly backend: number;
}

export interface FrameResult {
	readonly verdict: string | undefined;
	readonly out: Packet;
	readonly handed: Handed | undefined;
}

export const service = {index: 7, backend: 9, port: 80, backendPort: 8080} as const;

/** Addresses by family. */
export class RelayNode {
	readonly maps: DatapathMaps;
	readonly hosts: Readonly<Record<End | 'node', Host>>;
	private readonly fd: number;

	private constructor(maps: DatapathMaps, hosts: RelayNode['hosts'], fd: number) {
		this.maps = maps;
		this.hosts = hosts;
		this.fd = fd;
	}

	static async make(t: ExecutionContext): Promise<RelayNode> {
		const root = await makeBpffs(t);
		const net = await lab({
			name: 'relay',
			hosts: ['client', 'backend'],
			routers: ['node'],
			links: [
				['client', 'node'],
				['backend', 'node'],
			],
		});
		t.teardown(async () => net.close());
		const own = net.hosts.node.interfaces[1];
		const spec = await prepareObject(
			'xdp',
			{
				nat: {ipv4: bare(own?.ipv4), ipv6: bare(own?.ipv6)},
				services: {nodePort: true, acceleration: true, dsrDispatch: 'opt'},
			},
			{...mapSizes(), conntrackTcp: 1024, conntrackAny: 1024, nat: 1024},
		);
		const collection = loadCollection(spec, {pinRoot: root});
		t.teardown(() => {
			collection.close();
		});
		const maps = openDatapathMaps({root, write: true});
		t.teardown(() => {
			maps.close();
		});
		const node = new RelayNode(maps, net.hosts, collection.program('xdp_netdev').fd);
		for (const family of [4, 6] as const) {
			for (const protocol of [6, 17]) node.addService(family, {protocol});
			node.setBackend(family, node.address('backend', family));
			const front = {address: node.frontend(family), port: service.port};
			maps.require(`reverseNat${family}`).set(service.index, front);
		}

		return node;
	}

	frontend(family: Family): string {
		return family === 4 ? '192.0.2.80' : '3fff:80::1';
	}

	address(who: End, family: Family): string {
		return bare(this.hosts[who].interfaces[0]?.[`ipv${family}`]);
	}

	/** The node's, to the backend: what its clients become. */
	translated(family: Family): string {
		return bare(this.hosts.node.interfaces[1]?.[`ipv${family}`]);
	}

	addService(
		family: Family,
		{protocol = 6, flags = 0x60, flags2 = 0, count = 1, port = service.port as number},
	): void {
		const services = this.maps.require(`services${family}`);
		const key = {address: this.frontend(family), dport: port, proto: protocol, scope: 0};
		const value = {rev_nat_index: service.index, qcount: 0};
		services.set(
			{...key, backend_slot: 1},
			{...value, backend_id: service.backend, count: 0, flags: 0, flags2: 0},
		);
		services.set(
			{...key, backend_slot: 0},
			{...value, affinity_timeout: 0, count, flags, flags2},
		);
	}

	setBackend(family: Family, address: string): void {
		this.maps.require(`backends${family}`).set(service.backend, {
			...{address, port: service.backendPort, proto: 0, flags: 0, cluster_id: 0, zone: 0},
		});
		raiseServicesRevision(this.maps);
	}

	/** A packet as it comes from one end to the node. */
	from(end: End, family: Family, destination: string, ...parts: PacketPart[]): Packet {
		const source = this.address(end, family);
		return this.between(end, 'node', family, {source, destination}, ...parts);
	}

	/** One that goes from the node to an end, having come with 64 hops. */
	to(end: End, family: Family, source: string, ...parts: PacketPart[]): Packet {
		const destination = this.address(end, family);
		return this.between('node', end, family, {source, destination, hops: 63}, ...parts);
	}

	/** Runs it on a frame that came from an end. */
	run(end: End, frame: Packet | Uint8Array): FrameResult {
		const data = frame instanceof Uint8Array ? frame : frame.bytes;
		const ingress_ifindex = this.device('node', end).ifindex;
		const context = encodeContext('xdp', {ingress_ifindex}, data.length, 0);
		const contextOut = new Uint8Array(context.length);
		const dataOut = new Uint8Array(data.length + 256);
		const netns = openSync(this.hosts.node.netns, 'r');
		try {
			const run = programTestRun({
				...{fd: this.fd, data, dataOut, context, contextOut, repeat: 1, flags: 0, cpu: 0},
				netns,
			});
			if (run.result < 0) throw new Error(`test run: errno ${-run.result}`);
			const whole = dataOut.subarray(0, run.dataSize);
			const handed = whole.length > data.length ? whole.subarray(0, metadataSize) : undefined;
			return {
				verdict: xdpActionName(run.returnValue),
				out: parsePacket(handed === undefined ? whole : whole.subarray(metadataSize)),
				handed: handed === undefined ? undefined : readHanded(handed),
			};
		} finally {
			closeSync(netns);
		}
	}

	/** Packets that each source file has counted. */
	counted(): Record<string, bigint> {
		const counts: Record<string, bigint> = {};
		for (const {file, packets} of new Metrics(this.maps).list()) {
			counts[file] = (counts[file] ?? 0n) + packets;
		}

		return counts;
	}

	private device(of: End | 'node', towards: End | 'node') {
		const i = of === 'node' && towards === 'backend' ? 1 : 0;
		const found = this.hosts[of].interfaces[i];
		if (found === undefined) throw new TypeError(`${of} has no interface ${i}`);
		return found;
	}

	private between(
		from: End | 'node',
		to: End | 'node',
		family: Family,
		{source, destination, hops = 64}: {source: string; destination: string; hops?: number},
		...parts: PacketPart[]
	): Packet {
		const header =
			family === 4
				? ipv4({source, destination, ttl: hops})
				: ipv6({source, destination, hopLimit: hops});
		const macs = {source: this.device(from, to).mac, destination: this.device(to, from).mac};
		return packet(ethernet(macs), header, ...parts);
	}
}

function readHanded(bytes: Uint8Array): Handed | undefined {
	const view = new DataView(bytes.buffer, bytes.byteOffset);
	if (view.getUint32(0, true) !== 0x73_6b_65_70) return undefined;
	return {
		flags: view.getUint16(4, true),
		index: view.getUint16(6, false),
		backend: view.getUint32(8, true),
	};
}
