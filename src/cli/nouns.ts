/** The nouns of the command line; what a noun's verbs are is loaded when it is spoken. */

import type {Command} from 'commander';

export interface Noun {
	readonly name: string;
	readonly description: string;
	/** Gives the noun's command its verbs, options and action. */
	readonly load: () => Promise<(noun: Command) => void>;
}

export const nouns: readonly Noun[] = [
	{
		name: 'object',
		description: 'build, inspect, verify and load object files',
		load: async () => (await import('./object.js')).addObjectVerbs,
	},
	{
		name: 'prog',
		description: 'programs in the kernel',
		load: async () => (await import('./prog.js')).addProgVerbs,
	},
	{
		name: 'map',
		description: 'maps in the kernel',
		load: async () => (await import('./map.js')).addMapVerbs,
	},
	{
		name: 'pin',
		description: 'what is pinned where',
		load: async () => (await import('./pin.js')).addPinVerbs,
	},
	{
		name: 'link',
		description: 'what holds programs to their hooks',
		load: async () => (await import('./link.js')).addLinkVerbs,
	},
	{
		name: 'btf',
		description: 'type information',
		load: async () => (await import('./btf.js')).addBtfVerbs,
	},
	{
		name: 'net',
		description: 'every hook of every device and cgroup, and what runs there in which order',
		load: async () => (await import('./net.js')).addNet,
	},
	{
		name: 'policy',
		description: 'rules of endpoints: what may come to them and go from them',
		load: async () => (await import('./policy.js')).addPolicyVerbs,
	},
	{
		name: 'lab',
		description: 'networks of namespaces for experiments',
		load: async () => (await import('./lab.js')).addLabVerbs,
	},
	{
		name: 'datapath',
		description: "the programs that guard a node's endpoints",
		load: async () => (await import('./datapath.js')).addDatapathVerbs,
	},
	{
		name: 'sock',
		description: "sockets that have services' backends, and those that skip the stack",
		load: async () => (await import('./sock.js')).addSockVerbs,
	},
	{
		name: 'endpoint',
		description: 'whom the datapath guards',
		load: async () => (await import('./endpoint.js')).addEndpointVerbs,
	},
	{
		name: 'identity',
		description: 'labels, and the numbers that policies speak of',
		load: async () => (await import('./identity.js')).addIdentityVerbs,
	},
	{
		name: 'ipcache',
		description: 'identities of addresses',
		load: async () => (await import('./ipcache.js')).addIpcacheVerbs,
	},
	{
		name: 'service',
		description: 'who answers on behalf of which address',
		load: async () => (await import('./service.js')).addServiceVerbs,
	},
	{
		name: 'backend',
		description: 'servers behind services',
		load: async () => (await import('./backend.js')).addBackendVerbs,
	},
	{
		name: 'affinity',
		description: 'clients and the backends that services keep for them',
		load: async () => (await import('./affinity.js')).addAffinityVerbs,
	},
	{
		name: 'maglev',
		description: 'look-up tables of services that all nodes agree on',
		load: async () => (await import('./maglev.js')).addMaglevVerbs,
	},
	{
		name: 'ct',
		description: 'flows that the datapath follows',
		load: async () => (await import('./ct.js')).addCtVerbs,
	},
	{
		name: 'nat',
		description: 'what packets are translated to',
		load: async () => (await import('./nat.js')).addNatVerbs,
	},
	{
		name: 'prefilter',
		description: 'sources whose frames are dropped before anything else looks at them',
		load: async () => (await import('./prefilter.js')).addPrefilterVerbs,
	},
	{
		name: 'metrics',
		description: 'packets by what became of them',
		load: async () => (await import('./metrics.js')).addMetricsVerbs,
	},
	{
		name: 'monitor',
		description: 'drops, traces and policy verdicts as they happen',
		load: async () => (await import('./monitor.js')).addMonitor,
	},
	{
		name: 'feature',
		description: 'what the running kernel has',
		load: async () => (await import('./feature.js')).addFeature,
	},
	{
		name: 'doctor',
		description: 'what stands in the way on this host, and how to mend it',
		load: async () => (await import('./doctor.js')).addDoctor,
	},
	{
		name: 'completion',
		description: "what teaches a shell skep's words",
		load: async () => (await import('./completion.js')).addCompletion,
	},
];
