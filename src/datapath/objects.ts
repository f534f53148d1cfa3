/** The datapath's objects, set up for a node. */

import {closeSync} from 'node:fs';
import {constants} from 'node:os';
import {join} from 'node:path';

import {parseIpv4, parseIpv6} from '../base/address.js';
import {packageRoot} from '../base/package-root.js';
import {UsageError} from '../base/errors.js';
import {KernelConfigError, readKernelConfig} from '../kernel/host/kernel-config.js';
import {NamespaceError, namespaceCookie} from '../kernel/sys/namespace.js';
import {openNamespace, type NamespaceOptions} from '../object/link/target.js';
import {readObject} from '../spec/read.js';
import type {CollectionSpec, MapSpec} from '../spec/types.js';
import {addressWords} from './address-words.js';
import {natConstants, type MasqueradeSettings, type NatSettings} from './nat/settings.js';
import {serviceConstants, sizeMaglev, type ServiceSettings} from './service-settings.js';
import type {MapSizes} from './sizes.js';

const {ENOPROTOOPT} = constants.errno;

export type ObjectName = 'endpoint' | 'host' | 'xdp' | 'sock' | 'sockops';

/** What is set in the programs before they are loaded. */
export interface NodeSettings extends NamespaceOptions {
	/** What endpoints have as their gateway; answered for in ARP and neighbour discovery. */
	readonly gateway?: {readonly ipv4?: string; readonly ipv6?: string};
	/** Bytes; of endpoints' interfaces; 1500 unless given. */
	readonly mtu?: number;
	/** Whether the host is an endpoint with a policy of its own; false unless given. */
	readonly hostFirewall?: boolean;
	/** Whether what leaves the node is routed by the programs; by the stack unless given. */
	readonly fibRouting?: boolean;
	/** What packets have whose source is translated. */
	readonly nat?: NatSettings;
	/** Whether endpoints are in the world by the node's address; by their own unless given. */
	readonly masquerade?: MasqueradeSettings;
	/** Whether monitors are told what sockets ask for and get; false unless given. */
	readonly traceSockets?: boolean;
	/** What is done for services. */
	readonly services?: ServiceSettings;
	/** Any other load-time constant by its name in `bpf/include/config.h`. */
	readonly constants?: Readonly<Record<string, number | bigint>>;
}

/** Reads an object and sets it up. *Throws:* `ERR_USAGE` for a constant that it does not have. */
export async function prepareObject(
	name: ObjectName | 'clock',
	settings: NodeSettings,
	sizes: MapSizes,
): Promise<CollectionSpec> {
	const spec = await readObject(join(packageRoot, 'dist', 'bpf', `${name}.bpf.o`));
	for (const [variable, value] of Object.entries(valuesOf(settings))) {
		// Each object has the constants that its programs use.
		spec.variables[variable]?.set(value);
	}

	const entries = {...entriesOf(sizes), ...unusedMaps(settings)};
	const resize = (name: string, map: MapSpec): MapSpec => ({
		...sizeMaglev(map, settings.services ?? {}),
		maxEntries: entries[name] ?? map.maxEntries,
	});
	const maps = Object.entries(spec.maps).map(([key, map]) => [key, resize(key, map)] as const);
	return {...spec, maps: Object.fromEntries(maps)};
}

function entriesOf(sizes: MapSizes): Record<string, number> {
	const {conntrackTcp, conntrackAny, nat, services, socketReverseNat} = sizes;
	const ofServices = [
		...['services_v2', 'backends_v3', 'reverse_nat', 'affinity', 'source_range', 'maglev'],
	];
	return {
		ct4_global: conntrackTcp,
		ct6_global: conntrackTcp,
		ct_any4_global: conntrackAny,
		ct_any6_global: conntrackAny,
		lb4_reverse_sk: socketReverseNat,
		lb6_reverse_sk: socketReverseNat,
		snat_v4_external: nat,
		snat_v6_external: nat,
		lb_affinity_match: services,
		...Object.fromEntries(
			['lb4', 'lb6'].flatMap(family =>
				ofServices.map(name => [`${family}_${name}`, services] as const),
			),
		),
	};
}

/** What programs do not look into, as their constants are. */
function unusedMaps({services = {}, constants: given = {}}: NodeSettings): Record<string, number> {
	return {
		...(services.acceleration !== true && {shortcuts4: 1, shortcuts6: 1}),
		...(Number(given['local_shortcuts'] ?? 1) === 0 && {
			local_shortcuts4: 1,
			local_shortcuts6: 1,
		}),
	};
}

/** *Throws:* `ERR_USAGE` where none of the objects has a constant that is asked for. */
export function requireConstants(
	specs: readonly CollectionSpec[],
	{constants: asked = {}}: NodeSettings,
): void {
	for (const name of Object.keys(asked)) {
		if (specs.some(({variables}) => variables[name]?.constant === true)) continue;
		throw new UsageError(`set up the datapath: its programs have no constant "${name}"`);
	}
}

function valuesOf(settings: NodeSettings): Record<string, unknown> {
	const {gateway = {}, mtu = 1500, hostFirewall = false, fibRouting = false} = settings;
	if (!Number.isInteger(mtu) || mtu < 68 || mtu > 0xffff) {
		throw new UsageError(`set up the datapath: an MTU is 68 to 65535 bytes, got ${mtu}`);
	}

	return {
		...clockConstants(),
		host_netns_cookie: hostCookie(settings),
		gateway_ipv4: gateway.ipv4 === undefined ? 0 : addressWords(parseIpv4(gateway.ipv4))[0],
		gateway_ipv6:
			gateway.ipv6 === undefined ? [0, 0, 0, 0] : addressWords(parseIpv6(gateway.ipv6)),
		endpoint_mtu: mtu,
		host_firewall: Number(hostFirewall),
		host_endpoint_id: hostFirewall ? hostEndpointId : 0,
		fib_routing: Number(fibRouting),
		socket_trace: Number(settings.traceSockets === true),
		...natConstants(settings),
		...serviceConstants(settings.services ?? {}),
		...settings.constants,
	};
}

/** The host's own endpoint where it has a policy. */
export const hostEndpointId = 65_535;

/** 0, the machine's first namespace, where the kernel does not tell. *Kernel:* 5.14. */
function hostCookie({netns}: NodeSettings): bigint {
	const fd = netns === undefined ? undefined : openNamespace('set up the datapath', netns);
	try {
		return namespaceCookie(fd);
	} catch (error) {
		if (!(error instanceof NamespaceError) || error.errno !== ENOPROTOOPT) throw error;
		return 0n;
	} finally {
		if (fd !== undefined) closeSync(fd);
	}
}

/** Ticks where the kernel says how long they are, nanoseconds elsewhere. */
function clockConstants(): Record<string, bigint> {
	let hz;
	try {
		hz = BigInt(readKernelConfig().get('CONFIG_HZ') ?? 0);
	} catch (error) {
		if (!(error instanceof KernelConfigError)) throw error;
		hz = 0n;
	}

	if (hz === 0n) return {seconds_per_jiffy_shl32: 0n, initial_jiffies: 0n};
	// The kernel's counter begins five minutes before its 32 bits overflow.
	return {seconds_per_jiffy_shl32: (1n << 32n) / hz, initial_jiffies: (1n << 32n) - 300n * hz};
}
