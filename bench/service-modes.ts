/** The ways from a client to the backends of a service. */

import {iptablesRules, nftablesRules} from './kube-proxy.js';
import {iptablesRestore, runTool, requireTool, type Tool} from './tools.js';
import type {ModePlan} from './service-lab.js';
import type {BenchService, Family} from './service-list.js';
import {installDatapath, installSockmap, installXdp} from './skep-modes.js';

/** What undoes what a mode did, after the lab is gone. */
type Undo = () => Promise<void> | void;

const nothing: Undo = () => undefined;

export interface Mode {
	/** Clients connect to the backends themselves. */
	readonly direct?: boolean;
	readonly tools: readonly Tool[];
	/** One stream is measured, too. */
	readonly bulk?: boolean;
	install(plan: ModePlan): Promise<Undo>;
}

export const modes = {
	plain: {
		direct: true,
		tools: [],
		bulk: true,
		install: async () => Promise.resolve(nothing),
	},
	/** The kernel's own tables, not those of nftables behind the same command. */
	iptables: {
		tools: [iptablesRestore[4], iptablesRestore[6]],
		async install({lab: {node}, family, services}) {
			const rules = rulesOf(iptablesRules, family, services);
			await runTool(node, iptablesRestore[family], [], rules);
			return nothing;
		},
	},
	nftables: {
		tools: ['nft'],
		async install({lab: {node}, family, services}) {
			const rules = rulesOf(shortNftablesRules, family, services);
			await runTool(node, 'nft', ['-f', '-'], rules);
			return nothing;
		},
	},
	/** Per packet, at the client's endpoint. */
	tc: {
		tools: [],
		bulk: true,
		install: async plan => {
			const {client, backends} = plan.lab;
			return installDatapath(plan, {endpoints: [client, ...backends], options: {}});
		},
	},
	/** Per packet, where clients outside come in. */
	nodeport: {
		tools: [],
		install: async plan =>
			installDatapath(plan, {
				endpoints: plan.lab.backends,
				options: {devices: ['eth0'], services: {nodePort: true}},
				type: 'LoadBalancer',
			}),
	},
	/** In the drivers of the node's devices, to backends that might be on other nodes. */
	xdp: {
		tools: ['ethtool'],
		install: installXdp,
	},
	/** In the client's socket when it connects; its packets are routed as any other's. */
	socket: {
		tools: [],
		install: async plan =>
			installDatapath(plan, {endpoints: [], options: {cgroup: plan.lab.client.cgroup}}),
	},
	/** The same, and messages skip the stack. */
	sockmap: {
		tools: [],
		bulk: true,
		install: installSockmap,
	},
} as const satisfies Record<string, Mode>;

export type ModeName = keyof typeof modes;
export const modeNames = Object.keys(modes) as ModeName[];

/** *Throws:* `MissingToolError`. */
export function requireTools(names: readonly ModeName[]): void {
	for (const name of names) {
		for (const tool of modes[name].tools) requireTool(tool);
	}
}

/** What no packet meets may be short. */
const shortNftablesRules: typeof iptablesRules = (family, services) =>
	nftablesRules(family, services, true);

const texts = new WeakMap<readonly BenchService[], Map<unknown, string>>();

/** The rules of a list of services: megabytes, written once. */
function rulesOf(
	write: (family: Family, services: readonly BenchService[]) => string,
	family: Family,
	services: readonly BenchService[],
): string {
	const known = texts.get(services) ?? new Map<unknown, string>();
	texts.set(services, known);
	const text = known.get(write) ?? write(family, services);
	known.set(write, text);
	return text;
}
