import {fileURLToPath} from 'node:url';
import type {ExecutionContext} from 'ava';

import {openDatapathMaps, type DatapathMaps} from '../../src/datapath/index.js';
import {ethernet, ipv4, ipv6, packet, type PacketPart} from '../../src/lab/index.js';
import type {Collection} from '../../src/object/collection/collection.js';
import {loadCollection} from '../../src/object/collection/load-collection.js';
import type {Program} from '../../src/object/program/program.js';
import type {MapSpec} from '../../src/spec/types.js';
import {readObject} from '../../src/spec/read.js';
import {makeBpffs} from './bpffs.js';

/** An endpoint behind the loopback device, where test runs have their packets. */
export const endpoint = {
	id: 42,
	identity: 1000,
	ifindex: 1,
	ipv4: '10.0.0.1',
	ipv6: '2001:db8::1',
	/** Somewhere outside of the node. */
	peer: {ipv4: '192.0.2.9', ipv6: '2001:db8:9::9'},
} as const;

export type Family = 'ipv4' | 'ipv6';

export interface GuardedEndpoint extends Disposable {
	readonly root: string;
	readonly maps: DatapathMaps;
	readonly collection: Collection;
	/** What the endpoint sends goes through it. */
	readonly fromEndpoint: Program;
	/** What the stack sends to the endpoint goes through it. */
	readonly toEndpoint: Program;
}

/**
 * The endpoint's programs, and maps in a bpf filesystem of the test's own; `changes` are what is to be
 * different of some.
 */
export async function guardEndpoint(
	t: ExecutionContext,
	constants: Readonly<Record<string, number>> = {},
	flags = 0,
	changes: Readonly<Record<string, Partial<MapSpec>>> = {},
): Promise<GuardedEndpoint> {
	const root = await makeBpffs(t);
	const path = fileURLToPath(new URL('../../bpf/endpoint.bpf.o', import.meta.url));
	const spec = await readObject(path);
	for (const [name, value] of Object.entries(constants)) spec.variables[name]?.set(value);
	const specs = Object.entries(spec.maps).map(([name, map]) => [
		name,
		{...map, ...changes[name]},
	]);
	const changed = {...spec, maps: Object.fromEntries(specs) as typeof spec.maps};
	const collection = loadCollection(changed, {pinRoot: root});
	const maps = openDatapathMaps({root, write: true});
	const close = (): void => {
		maps.close();
		collection.close();
	};
	t.teardown(close);
	maps.require('endpointDevices').set(endpoint.ifindex, {
		ip4: endpoint.ipv4,
		ip6: endpoint.ipv6,
		mac: '02:00:00:00:00:01',
		node_mac: '02:00:00:00:00:02',
		sec_id: endpoint.identity,
		ifindex: endpoint.ifindex,
		lxc_id: endpoint.id,
		flags: 0,
	});
	maps.require('endpointSettings').set(endpoint.id, {policy_revision: 1, flags});
	return {
		root,
		maps,
		collection,
		fromEndpoint: collection.program('from_endpoint'),
		toEndpoint: collection.program('to_endpoint'),
		[Symbol.dispose]: close,
	};
}

/** A frame from the endpoint to its peer, or from another source. */
export function sent(family: Family, content: PacketPart, source?: string): Uint8Array {
	return frame(family, content, source ?? endpoint[family], endpoint.peer[family]);
}

/** A frame from the peer to the endpoint. */
export function received(family: Family, content: PacketPart): Uint8Array {
	return frame(family, content, endpoint.peer[family], endpoint[family]);
}

function frame(
	family: Family,
	content: PacketPart,
	source: string,
	destination: string,
): Uint8Array {
	const ip = family === 'ipv4' ? ipv4 : ipv6;
	return packet(ethernet(), ip({source, destination}), content).bytes;
}
