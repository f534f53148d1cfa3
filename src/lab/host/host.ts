import type {ChildProcess} from 'node:child_process';
import type {Socket as UdpSocket} from 'node:dgram';
import {once} from 'node:events';
import {closeSync, openSync, writeSync} from 'node:fs';
import type {Server, Socket} from 'node:net';

import {formatMacBytes, formatPrefix, type Prefix} from '../../base/address.js';
import {UsageError} from '../../base/errors.js';
import {interfaceIndex} from '../../kernel/sys/interfaces.js';
import {openSocket} from '../../kernel/sys/namespace.js';
import {PacketSocket} from '../../kernel/sys/packet-socket.js';
import {attachCgroup, type AttachCgroupOptions} from '../../object/link/attach-cgroup.js';
import {attachNetfilter, type AttachNetfilterOptions} from '../../object/link/attach-netfilter.js';
import {attachNetns} from '../../object/link/attach-netns.js';
import {attachTcx, type AttachTcxOptions} from '../../object/link/attach-tcx.js';
import {attachXdp, type AttachXdpOptions} from '../../object/link/attach-xdp.js';
import type {Link} from '../../object/link/link.js';
import type {Program} from '../../object/program/program.js';
import {families} from '../../uapi/rtnetlink.js';
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
import {Belongings} from './belongings.js';
import {Capture, type CaptureOptions} from './capture.js';
import {HostError} from './host-error.js';
import {ping, type PingOptions} from './ping.js';
import {linkAddress} from './sockaddr.js';
import {
	connectTcp,
	listenTcp,
	openIcmp,
	openUdp,
	type ConnectOptions,
	type Family,
	type ListenOptions,
	type SocketPlace,
	type UdpOptions,
} from './sockets.js';
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

/** `SOCK_RAW`. */
const rawType = 3;

const destroy = (socket: Socket): unknown => socket.destroy();
const close = (opened: {close: () => unknown}): unknown => opened.close();

function closeUdp(socket: UdpSocket): void {
	try {
		socket.close();
	} catch {
		// It was closed, and has not said so yet.
	}
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
	private readonly addresses: Readonly<Record<'ipv4' | 'ipv6', string | undefined>>;
	private readonly belongings = new Belongings();
	/** Sockets by interface number. */
	private readonly injectors = new Map<number, number>();
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
		this.addresses = {ipv4: own(4), ipv6: own(16)};
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

	/** A TCP connection from here. *Kernel:* 5.7, as all sockets. *Throws:* `ERR_HOST`: `ECONNREFUSED`, `ETIMEDOUT`, … */
	async connect(address: string, port: number, options: ConnectOptions = {}): Promise<Socket> {
		const what = `connect to ${address} port ${port}`;
		return this.open(what, async place => connectTcp(place, address, port, options), destroy);
	}

	/** A TCP server on a port, or with 0 on one of the kernel's choice. *Throws:* `ERR_HOST`. */
	async listen(port = 0, options: ListenOptions = {}): Promise<Server> {
		const what = `listen on port ${port}`;
		const server = await this.open(what, async place => listenTcp(place, port, options), close);
		server.on('connection', socket => this.belongings.add(socket, destroy));
		return server;
	}

	/** A UDP socket that is bound. *Throws:* `ERR_HOST`. */
	async openUdp(options: UdpOptions = {}): Promise<UdpSocket> {
		const what = `open UDP port ${options.port ?? 0}`;
		return this.open(what, place => openUdp(place, options), closeUdp);
	}

	/**
	 * A socket for ICMP echoes: its messages begin with the ICMP header, in which the kernel fills
	 * in identifier and checksum; the port to send to is any. *Throws:* `ERR_HOST`.
	 */
	async openIcmp(family: Family = 'ipv4'): Promise<UdpSocket> {
		return this.open('open ICMP socket', place => openIcmp(place, family), closeUdp);
	}

	/**
	 * Sends an ICMP echo, and gives the milliseconds until its reply, or undefined when there was
	 * none in time. *Throws:* `ERR_HOST` when there is no way there.
	 */
	async ping(address: string, options: PingOptions = {}): Promise<number | undefined> {
		const family = address.includes(':') ? 'ipv6' : 'ipv4';
		const socket = await this.openIcmp(family);
		try {
			return await ping(socket, address, family, options);
		} catch (error) {
			throw HostError.of(`ping ${address}`, this.name, error);
		} finally {
			socket.close();
		}
	}

	/**
	 * Captures the frames of an interface, `eth0` unless given, from now on. *Throws:* `ERR_HOST` when
	 * there is no such interface.
	 */
	capture(interfaceName = 'eth0', options: CaptureOptions = {}): Capture {
		const ifindex = this.ifindex(`capture frames of "${interfaceName}"`, interfaceName);
		const {buffer = 8 << 20} = options;
		const netns = this.namespace.number;
		const socket = new PacketSocket(interfaceName, ifindex, buffer, netns);
		const capture = new Capture(this.name, interfaceName, socket, options, each =>
			this.belongings.delete(each),
		);
		return this.belongings.add(capture, close);
	}

	/**
	 * Sends a frame, from its Ethernet header on, out of an interface: what is at the other end
	 * receives it. *Throws:* `ERR_HOST`.
	 */
	inject(interfaceName: string, frame: Uint8Array): void {
		const what = `inject frame into "${interfaceName}"`;
		const ifindex = this.ifindex(what, interfaceName);
		let fd = this.injectors.get(ifindex);
		try {
			if (fd === undefined) {
				const address = linkAddress(ifindex);
				const socket = {family: families.packet, type: rawType, protocol: 0, address};
				fd = openSocket('open socket', socket, this.namespace.number);
				this.injectors.set(ifindex, fd);
			}

			writeSync(fd, frame);
		} catch (error) {
			throw HostError.of(what, this.name, error);
		}
	}

	private ifindex(what: string, name: string): number {
		const found = interfaceIndex(name, this.namespace.number);
		if (found !== undefined) return found;
		throw new HostError(what, this.name, `there is no interface "${name}"`);
	}

	/**
	 * Attaches an XDP program to an interface, as `attachXdp` does; the link is closed with the lab.
	 * *Throws:* `ERR_LINK`.
	 */
	attachXdp(
		program: Program,
		interfaceName = 'eth0',
		options: Omit<AttachXdpOptions, 'netns'> = {},
	): Link {
		const {netns} = this;
		return this.belongings.add(attachXdp(program, interfaceName, {...options, netns}), close);
	}

	/** Attaches a tc program to an interface, as `attachTcx` does. *Throws:* `ERR_LINK`. */
	attachTcx(
		program: Program,
		interfaceName = 'eth0',
		options: Omit<AttachTcxOptions, 'netns'> = {},
	): Link {
		const {netns} = this;
		return this.belongings.add(attachTcx(program, interfaceName, {...options, netns}), close);
	}

	/**
	 * Attaches a program to the host's cgroup, as `attachCgroup` does: it sees the sockets that were
	 * opened by the host, and those of what runs there. *Throws:* `ERR_LINK`.
	 */
	attachCgroup(program: Program, options: AttachCgroupOptions = {}): Link {
		return this.belongings.add(attachCgroup(program, this.cgroup, options), close);
	}

	/** Attaches a program to the host's netfilter, as `attachNetfilter` does. *Throws:* `ERR_LINK`. */
	attachNetfilter(program: Program, options: Omit<AttachNetfilterOptions, 'netns'>): Link {
		const {netns} = this;
		return this.belongings.add(attachNetfilter(program, {...options, netns}), close);
	}

	/**
	 * Attaches a socket look-up or a flow dissector to the host, as `attachNetns` does.
	 * *Throws:* `ERR_LINK`.
	 */
	attachNetns(program: Program): Link {
		return this.belongings.add(attachNetns(program, {netns: this.netns}), close);
	}

	/** Opens what the host's cgroup sees, and is closed with the lab at the latest. */
	private async open<T extends object>(
		what: string,
		work: (place: SocketPlace) => T | Promise<T>,
		end: (opened: T) => unknown,
	): Promise<T> {
		let cgroup;
		try {
			cgroup = openSync(this.cgroup, 'r');
			const place = {netns: this.namespace.number, cgroup};
			return this.belongings.add(await work(place), end);
		} catch (error) {
			throw HostError.of(what, this.name, error);
		} finally {
			if (cgroup !== undefined) closeSync(cgroup);
		}
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
		const first =
			this.interfaces.flatMap(one => one[family] ?? [])[0] ?? this.addresses[family];
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
		for (const fd of this.injectors.values()) closeSync(fd);
		this.injectors.clear();
		const children = [...this.children];
		for (const child of children) killGroup(child);
		const ended = children.map(async child => once(child, 'close'));
		await Promise.all([this.belongings.close(), ...ended]);
	}
}
