import {createNamespace} from '../kernel/sys/namespace.js';
import type {Fd} from '../kernel/sys/fd.js';
import {Host} from './host/host.js';
import {atEnd} from './topology/at-end.js';
import {buildPlan} from './topology/build.js';
import {processStart, type LabId} from './topology/lab-id.js';
import {LabError} from './topology/lab-error.js';
import {labCgroup, makeCgroups, nameNamespace, namespacePath} from './topology/places.js';
import {planTopology, type PlannedNode} from './topology/plan.js';
import {removeTraces, removeTracesNow} from './topology/teardown.js';
import type {Topology} from './topology/topology.js';

/** Labs of one name in one process are told apart by a number. */
const taken = new Set<string>();

/** A network that stands; it goes with `close()`, or with the process. */
export class Lab<Name extends string = string> {
	/** As given, with a number behind it where this process has one of that name already. */
	readonly name: string;
	/** Hosts, routers and bridges by name. */
	readonly hosts: Readonly<Record<Name, Host>>;
	private readonly release: () => Promise<void>;
	private closing: Promise<void> | undefined;

	/** @internal */
	constructor(name: string, hosts: Readonly<Record<Name, Host>>, release: () => Promise<void>) {
		this.name = name;
		this.hosts = hosts;
		this.release = release;
	}

	/**
	 * Ends what runs in the hosts, closes what they opened and takes the network down. Closing twice
	 * is harmless.
	 *
	 * *Throws:* `ERR_LAB` when processes do not end within ten seconds.
	 */
	async close(): Promise<void> {
		this.closing ??= this.release();
		return this.closing;
	}

	/** The same as `close()`: for `await using`. */
	async [Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}
}

/**
 * Builds a network of namespaces in which everything reaches everything else, by both families,
 * from the first packet on.
 *
 * It is taken down by `close()`, with the block it was declared in by `await using`, when the
 * process ends, and on SIGINT, SIGTERM and SIGHUP; after SIGKILL by `skep lab clean`.
 *
 * *Kernel:* 5.3, with cgroup v2 mounted. *Throws:* `ERR_LAB` when the description contradicts itself;
 * `ERR_NAMESPACE`, `ERR_NETLINK`, `ERR_CGROUP` when the kernel refuses; `ERR_UNSUPPORTED` with the
 * name of what it was built without.
 */
export async function lab<
	const HostName extends string,
	const RouterName extends string = never,
	const BridgeName extends string = never,
>(
	topology: Topology<HostName, RouterName, BridgeName>,
): Promise<Lab<HostName | RouterName | BridgeName>> {
	const plan = planTopology(topology);
	const id = newId(plan.name);
	const namespaces = new Map<PlannedNode, Fd>();
	const hosts: Record<string, Host> = {};
	const traces = {
		id,
		cgroup: labCgroup(id),
		hosts: new Map(plan.nodes.map(({name}) => [name, namespacePath(id, name)])),
	};
	const cancel = atEnd(() => removeTracesNow(traces));
	const release = async (): Promise<void> => {
		try {
			const ended = Object.values(hosts).map(async host => host.close());
			await Promise.all([removeTraces(traces), ...ended]);
		} finally {
			for (const fd of namespaces.values()) fd.close();
			taken.delete(id.name);
			cancel();
		}
	};
	try {
		makeCgroups(
			id,
			plan.nodes.map(({name}) => name),
		);
		for (const node of plan.nodes) {
			const fd = createNamespace(node.name);
			namespaces.set(node, fd);
			nameNamespace(id, node.name, fd.number);
			hosts[node.name] = new Host(node, id, fd);
		}

		buildPlan(plan, node => namespaces.get(node)?.number ?? -1);
	} catch (error) {
		await release();
		throw error;
	}

	return new Lab(id.name, hosts as Record<HostName | RouterName | BridgeName, Host>, release);
}

function newId(name: string): LabId {
	let own = name;
	for (let i = 2; taken.has(own); i++) own = `${name}-${i}`;
	taken.add(own);
	const start = processStart(process.pid);
	if (start === undefined) throw new LabError('build', name, 'cannot read /proc');

	return {pid: process.pid, start, name: own};
}
