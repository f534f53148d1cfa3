import type {ChildProcess} from 'node:child_process';
import {once} from 'node:events';

import {formatMacBytes, formatPrefix, type Prefix} from '../../base/address.js';
import {UsageError} from '../../base/errors.js';
import type {Fd} from '../../kernel/sys/fd.js';
import {labCgroup, namespacePath} from '../topology/places.js';
import type {LabId} from '../topology/lab-id.js';
import type {PlannedNode, Role} from '../topology/plan.js';
import {
	execIn,
	killGroup,
	spawnIn,
	type ExecOptions,
	type ExecResult,
	type SpawnInOptions,
} from './exec.js';
import {
	readInterfaces,
	readNeighbours,
	readRoutes,
	type InterfaceState,
	type NeighbourEntry,
	type RouteState,
} from './state.js';

/** An interface as the topology has it. */
export interface HostInterface {
	readonly name: string;
	readonly ifindex: number;
	readonly mac: string;
	/** Addresses with the lengths of their prefixes; undefined where it has none. */
	readonly ipv4: string | undefined;
	readonly ipv6: string | undefined;
	/** Names of the hosts at the other end. */
	readonly peers: readonly string[];
}

/** A host, router or bridge of a lab: a network namespace and a cgroup. */
export class Host {
	readonly name: string;
	readonly role: Role;
	/** In the order of links. */
	readonly interfaces: readonly HostInterface[];
	/** Path of the network namespace, for whatever takes one: `attachXdp(…, {netns: host.netns})`. */
	readonly netns: string;
	/** The name by which `ip netns exec` finds it. */
	readonly netnsName: string;
	/** Path of the cgroup. */
	readonly cgroup: string;
	private readonly namespace: Fd;
	private readonly own: Readonly<Record<'ipv4' | 'ipv6', string | undefined>>;
	private readonly children = new Set<ChildProcess>();

	/** @internal */
	constructor(node: PlannedNode, id: LabId, namespace: Fd) {
		this.name = node.name;
		this.role = node.role;
		this.namespace = namespace;
		this.netns = `/proc/${id.pid}/fd/${namespace.number}`;
		this.netnsName = namespacePath(id, node.name).split('/').at(-1) ?? '';
		this.cgroup = labCgroup(id, node.name);
		const own = (size: number) =>
			node.addresses.filter(({address}) => address.length === size).map(formatPrefix)[0];
		this.own = {ipv4: own(4), ipv6: own(16)};
		const text = (prefix: Prefix | undefined) => prefix && formatPrefix(prefix);
		this.interfaces = node.interfaces.map(({name, ifindex, mac, ipv4, ipv6, peers}) => ({
			name,
			ifindex,
			mac: formatMacBytes(mac),
			ipv4: text(ipv4),
			ipv6: text(ipv6),
			peers,
		}));
	}

	/** Runs a program to its end. *Throws:* `ERR_PROCESS` when it cannot start, or takes too long. */
	async exec(
		command: string,
		args: readonly string[] = [],
		options: ExecOptions = {},
	): Promise<ExecResult> {
		return execIn(this.name, this, command, args, options);
	}

	/**
	 * Starts a program that runs along, its output unread in pipes; it is killed with the lab.
	 * *Throws:* `ERR_PROCESS` when there is no such program.
	 */
	spawn(
		command: string,
		args: readonly string[] = [],
		options: SpawnInOptions = {},
	): ChildProcess {
		const child = spawnIn(this.name, this, command, args, options, 'pipe');
		this.children.add(child);
		child.once('close', () => this.children.delete(child));
		return child;
	}

	/** The first of its addresses, of a link or its own. *Throws:* `ERR_USAGE` when it has none. */
	get ipv4(): string {
		return this.address('ipv4');
	}

	/** The first of its addresses, of a link or its own. *Throws:* `ERR_USAGE` when it has none. */
	get ipv6(): string {
		return this.address('ipv6');
	}

	private address(family: 'ipv4' | 'ipv6'): string {
		const first = this.interfaces.flatMap(one => one[family] ?? [])[0] ?? this.own[family];
		if (first === undefined)
			throw new UsageError(`host "${this.name}" has no ${family} address`);
		return first.split('/')[0] ?? '';
	}

	/** Its interfaces, with counters, as the kernel has them now. *Throws:* `ERR_NETLINK`. */
	readInterfaces(): InterfaceState[] {
		return readInterfaces(this.namespace.number);
	}

	/** Its routes, of both families, as the kernel has them now. *Throws:* `ERR_NETLINK`. */
	readRoutes(): RouteState[] {
		return readRoutes(this.namespace.number);
	}

	/** Whom it knows the MACs of, as the kernel has them now. *Throws:* `ERR_NETLINK`. */
	readNeighbours(): NeighbourEntry[] {
		return readNeighbours(this.namespace.number);
	}

	/** @internal */
	async close(): Promise<void> {
		const children = [...this.children];
		for (const child of children) killGroup(child);
		await Promise.all(children.map(async child => once(child, 'close')));
	}
}
