/** How a node's datapath is set up, as the command line says it. */

import {isIPv4, isIPv6} from 'node:net';
import {networkInterfaces} from 'node:os';

import {Option, type Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import type {
	DatapathOptions,
	DatapathSettings,
	DsrDispatch,
	ServiceSettings,
	XdpChoice,
} from '../../datapath/index.js';
import {collect, wholeNumber} from '../arguments.js';
import type {RootOptions} from '../datapath-options.js';

export interface NodeOptions extends Pick<RootOptions, 'root'> {
	readonly device?: readonly string[];
	readonly xdp?: XdpChoice;
	readonly cgroup?: string | false;
	readonly sockmap?: boolean;
	readonly traceSockets?: boolean;
	readonly netns?: string;
	readonly gateway?: readonly string[];
	readonly address?: readonly string[];
	readonly mtu?: number;
	readonly hostFirewall?: boolean;
	readonly fibRouting?: boolean;
	readonly natAddress?: readonly string[];
	readonly natPorts?: string;
	readonly masquerade?: boolean;
	readonly masqueradeExclude?: readonly string[];
	readonly nativeRouting?: readonly string[];
	readonly nodePort?: boolean;
	readonly acceleration?: boolean;
	readonly forwarding?: 'snat' | 'dsr' | 'hybrid';
	readonly dsrDispatch?: DsrDispatch;
	readonly nat46x64?: boolean;
	readonly serviceAlgorithm?: 'random' | 'maglev';
	readonly constant?: readonly string[];
	readonly mapRatio?: string;
	readonly ctTcp?: number;
	readonly ctAny?: number;
	readonly onMismatch: 'fail' | 'reuse' | 'recreate' | 'migrate';
}

/** Adds the options that set a node up. */
export function withNode(command: Command): Command {
	return command
		.option('--device <name>', "a device of the node's, to be guarded", collect)
		.addOption(
			new Option('--xdp <mode>', 'look at frames before the stack has them').choices([
				...['auto', 'native', 'generic', 'off'],
			]),
		)
		.option('--cgroup <path>', "a cgroup whose sockets are given services' backends")
		.option('--no-cgroup', 'give them none any more')
		.option('--sockmap', 'connections between its sockets may be direct; "skep sock choose"')
		.option('--no-sockmap', 'leave them all to the stack')
		.option('--trace-sockets', 'monitors are told what sockets ask for and get')
		.option('--netns <path>', 'namespace of the devices, if not this one')
		.option('--gateway <address>', 'what endpoints have as gateway; one each family', collect)
		.option('--address <address>', 'one more address of the node itself', collect)
		.option(
			'--mtu <bytes>',
			"of endpoints' interfaces; 1500 unless given",
			wholeNumber('mtu', 1),
		)
		.option('--host-firewall', 'the host has a policy too, as endpoint 65535')
		.option('--no-host-firewall', 'it has none')
		.option('--fib-routing', 'programs route what leaves the node, not the stack')
		.option('--no-fib-routing', 'the stack does')
		.option('--nat-address <address>', "the node's to the network; one each family", collect)
		.option('--nat-ports <first-last>', 'what flows get; 32768-65535 unless given')
		.option('--masquerade', 'endpoints are in the world by those addresses')
		.option('--no-masquerade', 'by their own')
		.option('--masquerade-exclude <prefix>', 'but not there', collect)
		.option('--native-routing <prefix>', 'nor there; one each family', collect)
		.option('--node-port', 'what the network sends to services is balanced')
		.option('--no-node-port', 'it is not')
		.option('--acceleration', 'by XDP where their backends are on other nodes')
		.option('--no-acceleration', 'by tc')
		.addOption(
			new Option('--forwarding <mode>', 'how it goes on to backends on other nodes').choices([
				...['snat', 'dsr', 'hybrid'],
			]),
		)
		.addOption(
			new Option('--dsr-dispatch <carrier>', 'of the frontend, by DSR').choices([
				...['opt', 'ipip', 'geneve'],
			]),
		)
		.option('--nat-46x64', 'and to backends of the other family')
		.addOption(
			new Option('--service-algorithm <name>', 'of services that name none').choices([
				...['random', 'maglev'],
			]),
		)
		.option('--constant <name=value>', 'any other load-time constant', collect)
		.option('--map-ratio <ratio>', 'part of the memory for maps; 0.0025 unless given')
		.option('--ct-tcp <flows>', 'flows of TCP, each family', wholeNumber('flows', 1))
		.option('--ct-any <flows>', 'all other flows, each family', wholeNumber('flows', 1))
		.addOption(
			new Option('--on-mismatch <policy>', 'what becomes of pinned maps that differ')
				.choices(['fail', 'reuse', 'recreate', 'migrate'])
				.default('fail'),
		);
}

/**
 * What the options mean for the datapath; `kept` is what it has of those that are not given.
 *
 * *Throws:* `ERR_USAGE`.
 */
export function datapathOptions(
	options: NodeOptions,
	kept: DatapathSettings = {},
): DatapathOptions {
	const {root, device, xdp, cgroup, netns, mtu, hostFirewall, fibRouting, onMismatch} = options;
	const gateway = byFamily('gateway', options.gateway ?? []);
	const {mapRatio, ctTcp, ctAny} = options;
	return {
		root,
		onMismatch,
		gateway,
		sizes: {
			...(mapRatio === undefined ? {} : {ratio: Number(mapRatio)}),
			...(ctTcp === undefined ? {} : {conntrackTcp: ctTcp}),
			...(ctAny === undefined ? {} : {conntrackAny: ctAny}),
		},
		constants: constants(options.constant ?? []),
		...natOptions(options, kept),
		services: serviceOptions(options),
		...(device === undefined ? {} : {devices: device}),
		...(xdp === undefined ? {} : {xdp}),
		...(cgroup === undefined ? {} : {cgroup}),
		...(options.sockmap === undefined ? {} : {sockmap: options.sockmap}),
		...(options.traceSockets === undefined ? {} : {traceSockets: options.traceSockets}),
		...(netns === undefined ? {} : {netns}),
		...(mtu === undefined ? {} : {mtu}),
		...(hostFirewall === undefined ? {} : {hostFirewall}),
		...(fibRouting === undefined ? {} : {fibRouting}),
	};
}

function serviceOptions(options: NodeOptions): ServiceSettings {
	const {nodePort, acceleration, serviceAlgorithm: algorithm} = options;
	const {forwarding, dsrDispatch, nat46x64} = options;
	return {
		...(nat46x64 === undefined ? {} : {nat46x64}),
		...(forwarding === undefined ? {} : {forwarding}),
		...(dsrDispatch === undefined ? {} : {dsrDispatch}),
		...(nodePort === undefined ? {} : {nodePort}),
		...(acceleration === undefined ? {} : {acceleration}),
		...(algorithm === undefined ? {} : {algorithm}),
	};
}

function natOptions(
	options: NodeOptions,
	kept: DatapathSettings,
): Pick<DatapathOptions, 'nat' | 'masquerade'> {
	const {natPorts, masquerade, masqueradeExclude: exclude, nativeRouting} = options;
	const addresses = byFamily('NAT address', options.natAddress ?? []);
	const {ipv4, ipv6} = {...kept.nat, ...addresses};
	const ports = /^(\d{1,5})-(\d{1,5})$/
		.exec(natPorts ?? '')
		?.slice(1)
		.map(Number);
	if (natPorts !== undefined && ports === undefined) {
		throw new UsageError(`read ports "${natPorts}": expected 32768-65535`);
	}

	const [first = 0, last = 0] = ports ?? [];
	return {
		nat: {...addresses, ...(ports === undefined ? {} : {ports: [first, last]})},
		masquerade: {
			...(masquerade !== undefined && {
				ipv4: masquerade && ipv4 !== undefined,
				ipv6: masquerade && ipv6 !== undefined,
			}),
			...(exclude === undefined ? {} : {exclude}),
			...(nativeRouting === undefined ? {} : {nativeRouting}),
		},
	};
}

function byFamily(what: string, addresses: readonly string[]): {ipv4?: string; ipv6?: string} {
	const found: {ipv4?: string; ipv6?: string} = {};
	for (const address of addresses) {
		const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined;
		if (family === undefined) throw new UsageError(`read ${what} "${address}": not an address`);
		if (found[family] !== undefined) {
			throw new UsageError(
				`read ${what} "${address}": ${found[family]} is of its family too`,
			);
		}

		found[family] = address;
	}

	return found;
}

function constants(words: readonly string[]): Record<string, bigint> {
	return Object.fromEntries(
		words.map(word => {
			const [, name = '', value = ''] = /^(\w+)=(\d+|0x[\da-f]+)$/i.exec(word) ?? [];
			if (name === '') {
				throw new UsageError(`read constant "${word}": expected NAME=NUMBER`);
			}

			return [name, BigInt(value)];
		}),
	);
}

/**
 * The node's own addresses: those given, the gateway, and those of this namespace's interfaces unless
 * its devices are `elsewhere`.
 */
export function nodeAddresses(
	{netns, gateway = [], address = []}: NodeOptions,
	elsewhere = netns !== undefined,
): string[] {
	const own = elsewhere ? [] : Object.values(networkInterfaces()).flatMap(list => list ?? []);
	return [
		...new Set([
			...gateway,
			...address,
			...own.filter(({internal}) => !internal).map(each => each.address),
		]),
	];
}
