/** The datapath's maps: names, the versions that have them, and what their keys and values are. */

import type {
	FragmentKey,
	FragmentPorts,
	MetricsKey,
	MetricsPending,
	MetricsValue,
	RatelimitKey,
	RatelimitMetricsKey,
	RatelimitMetricsValue,
	RatelimitValue,
} from './counters.js';
import type {CtEntry, CtTuple, NatEntry} from './conntrack.js';
import type {
	EndpointInfo,
	EndpointKey,
	IpcacheKey,
	LxcDevice,
	LxcSettings,
	NodeKey,
	NodeValue,
	RemoteEndpointInfo,
} from './endpoint.js';
import type {PolicyStatsKey, PolicyStatsValue} from './policy.js';
import type {PrefixKey, PrefixValue} from './prefix.js';
import type {
	AffinityKey,
	AffinityMatch,
	AffinityValue,
	BackendValue,
	ReverseNatValue,
	ReverseSocketKey,
	ReverseSocketValue,
	ServiceKey,
	ServiceValue,
	SkipServiceKey,
	SourceRangeKey,
} from './service.js';
import type {DirectPortKey, DirectSocketKey} from './sockmap.js';
import type {VersionRange} from './versions.js';

/** A map that holds maps: written by what has a descriptor, read as the id of the map. */
export type MapReference = number | {readonly fd: number};

/** Key and value of each map, by what `DatapathMaps` calls it. */
export interface DatapathRecords {
	/** Endpoints and the node's own addresses, by address: `lxc`. */
	endpoints: [EndpointKey, EndpointInfo];
	/** Endpoints by the low 16 bits of their interface's index: `lxc_devices`, skep only. */
	endpointDevices: [number, LxcDevice];
	/** The later of two endpoints whose indices share those bits, by index: `lxc_more_devices`. */
	moreEndpointDevices: [number, LxcDevice];
	/** By endpoint id: `lxc_settings`, skep only. */
	endpointSettings: [number, LxcSettings];
	/** Each endpoint's policy map by its id: `policies`, skep only. */
	policies: [number, MapReference];
	/** How often each rule decided, per CPU: `policystats`. */
	policyStats: [PolicyStatsKey, PolicyStatsValue[]];
	/** Identities of addresses: `ipcache_v2`, `ipcache`. */
	ipcache: [IpcacheKey, RemoteEndpointInfo];
	/** Nodes by address: `node_map_v2`, `node_map`. */
	nodes: [NodeKey, NodeValue];
	/** Flows of TCP, IPv4: `ct4_global`. */
	ctTcp4: [CtTuple, CtEntry];
	/** Flows of TCP, IPv6: `ct6_global`. */
	ctTcp6: [CtTuple, CtEntry];
	/** Flows of other protocols, IPv4: `ct_any4_global`. */
	ctAny4: [CtTuple, CtEntry];
	/** Flows of other protocols, IPv6: `ct_any6_global`. */
	ctAny6: [CtTuple, CtEntry];
	/** What packets were translated to, IPv4: `snat_v4_external`. */
	nat4: [CtTuple, NatEntry];
	/** What packets were translated to, IPv6: `snat_v6_external`. */
	nat6: [CtTuple, NatEntry];
	/** Flows by the number of ports that were tried in vain, IPv4: `snat_v4_alloc_retries`. */
	natRetries4: [number, number[]];
	/** Flows by the number of ports that were tried in vain, IPv6: `snat_v6_alloc_retries`. */
	natRetries6: [number, number[]];
	/** Where endpoints go by their own addresses, IPv4: `ipmasq_v4`. */
	masqueradeExclusions4: [PrefixKey, PrefixValue];
	/** Where endpoints go by their own addresses, IPv6: `ipmasq_v6`. */
	masqueradeExclusions6: [PrefixKey, PrefixValue];
	/** Ports of datagrams in fragments, IPv4: `ipv4_frag_datagrams`. */
	fragments4: [FragmentKey, FragmentPorts];
	/** Ports of datagrams in fragments, IPv6: `ipv6_frag_datagrams`. */
	fragments6: [FragmentKey, FragmentPorts];
	/** Packets by reason and direction, per CPU: `metrics`. */
	metrics: [MetricsKey, MetricsValue[]];
	/** What is not in `metrics` yet, by the place that forwards, per CPU: `metrics_pending`. */
	metricsPending: [number, MetricsPending[]];
	/** Rings of those who listen: `events`; skep only, for Cilium's is a perf event array. */
	events: [number, MapReference];
	/** Events that found a full ring, by the ring's slot, per CPU: `events_lost`, skep only. */
	eventsLost: [number, bigint[]];
	/** Token buckets: `ratelimit`. */
	ratelimit: [RatelimitKey, RatelimitValue];
	/** What token buckets held back: `ratelimit_metrics`. */
	ratelimitMetrics: [RatelimitMetricsKey, RatelimitMetricsValue];
	/** What is changed while programs run, by index: `runtime_config`. */
	runtimeConfig: [number, bigint];
	/** Services, IPv4: `lb4_services_v2`. */
	services4: [ServiceKey, ServiceValue];
	/** Services, IPv6: `lb6_services_v2`. */
	services6: [ServiceKey, ServiceValue];
	/** Backends by id, IPv4: `lb4_backends_v3`. */
	backends4: [number, BackendValue];
	/** Backends by id, IPv6: `lb6_backends_v3`. */
	backends6: [number, BackendValue];
	/** Frontends by number of the service, IPv4: `lb4_reverse_nat`. */
	reverseNat4: [number, ReverseNatValue];
	/** Frontends by number of the service, IPv6: `lb6_reverse_nat`. */
	reverseNat6: [number, ReverseNatValue];
	/** The backend that clients had last, IPv4: `lb4_affinity`. */
	affinity4: [AffinityKey, AffinityValue];
	/** The backend that clients had last, IPv6: `lb6_affinity`. */
	affinity6: [AffinityKey, AffinityValue];
	/** Backends that clients may keep: `lb_affinity_match`. */
	affinityMatch: [AffinityMatch, number];
	/** Clients that may use a service, IPv4: `lb4_source_range`. */
	sourceRange4: [SourceRangeKey, number];
	/** Clients that may use a service, IPv6: `lb6_source_range`. */
	sourceRange6: [SourceRangeKey, number];
	/** Look-up tables by number of the service, IPv4: `lb4_maglev`. */
	maglev4: [number, MapReference];
	/** Look-up tables by number of the service, IPv6: `lb6_maglev`. */
	maglev6: [number, MapReference];
	/** Peers of sockets, IPv4: `lb4_reverse_sk`. */
	reverseSockets4: [ReverseSocketKey, ReverseSocketValue];
	/** Peers of sockets, IPv6: `lb6_reverse_sk`. */
	reverseSockets6: [ReverseSocketKey, ReverseSocketValue];
	/** Denied addresses by generation, IPv4: `prefilter_v4_fix`, skep only. */
	prefilterAddresses4: [number, MapReference];
	/** Denied addresses by generation, IPv6: `prefilter_v6_fix`, skep only. */
	prefilterAddresses6: [number, MapReference];
	/** Denied prefixes by generation, IPv4: `prefilter_v4_dyn`, skep only. */
	prefilterPrefixes4: [number, MapReference];
	/** Denied prefixes by generation, IPv6: `prefilter_v6_dyn`, skep only. */
	prefilterPrefixes6: [number, MapReference];
	/** Denied addresses, IPv4: `cidr_v4_fix`, Cilium only. */
	cidrAddresses4: [PrefixKey, PrefixValue];
	/** Denied addresses, IPv6: `cidr_v6_fix`, Cilium only. */
	cidrAddresses6: [PrefixKey, PrefixValue];
	/** Denied prefixes, IPv4: `cidr_v4_dyn`, Cilium only. */
	cidrPrefixes4: [PrefixKey, PrefixValue];
	/** Denied prefixes, IPv6: `cidr_v6_dyn`, Cilium only. */
	cidrPrefixes6: [PrefixKey, PrefixValue];
	/** Frontends that namespaces reach untranslated, IPv4: `skip_lb4`. */
	skipServices4: [SkipServiceKey, number];
	/** Frontends that namespaces reach untranslated, IPv6: `skip_lb6`. */
	skipServices6: [SkipServiceKey, number];
	/** Sockets whose messages go straight to their peers, and their cookies: `sock_ops`, skep only. */
	directSockets: [DirectSocketKey, bigint];
	/** Whose connections are direct: `sockmap_ports`, skep only. */
	directPorts: [DirectPortKey, number];
}

/** What `DatapathMaps` calls a map. */
export type DatapathMapName = keyof DatapathRecords;

/** A name under which a map is pinned, without prefix, and what it holds: structs or numbers. */
export interface PinnedAs {
	readonly pin: string;
	readonly versions: VersionRange;
	readonly key: string;
	readonly value: string;
	/** `plain` unless given. */
	readonly values?: 'plain' | 'per-cpu' | 'maps';
}

const pinned = (
	pin: string,
	key: string,
	value: string,
	versions: VersionRange = '1.15-',
	values: PinnedAs['values'] = 'plain',
): PinnedAs => ({pin, versions, key, value, values});

/** Newer names first. */
export const mapTable: Readonly<Record<DatapathMapName, readonly PinnedAs[]>> = {
	endpoints: [pinned('lxc', 'endpoint_key', 'endpoint_info')],
	endpointDevices: [pinned('lxc_devices', 'u32', 'lxc_device', 'skep')],
	moreEndpointDevices: [pinned('lxc_more_devices', 'u32', 'lxc_device', 'skep')],
	endpointSettings: [pinned('lxc_settings', 'u32', 'lxc_settings', 'skep')],
	policies: [pinned('policies', 'u32', 'u32', 'skep', 'maps')],
	policyStats: [
		pinned('policystats', 'policy_stats_key', 'policy_stats_value', '1.18-', 'per-cpu'),
	],
	ipcache: [
		pinned('ipcache_v2', 'ipcache_key', 'remote_endpoint_info', '1.18-'),
		pinned('ipcache', 'ipcache_key', 'remote_endpoint_info', '1.15-1.17'),
	],
	nodes: [
		pinned('node_map_v2', 'node_key', 'node_value', '1.16-'),
		pinned('node_map', 'node_key', 'node_value', '1.15'),
	],
	ctTcp4: [pinned('ct4_global', 'ipv4_ct_tuple', 'ct_entry')],
	ctTcp6: [pinned('ct6_global', 'ipv6_ct_tuple', 'ct_entry')],
	ctAny4: [pinned('ct_any4_global', 'ipv4_ct_tuple', 'ct_entry')],
	ctAny6: [pinned('ct_any6_global', 'ipv6_ct_tuple', 'ct_entry')],
	nat4: [pinned('snat_v4_external', 'ipv4_ct_tuple', 'ipv4_nat_entry')],
	nat6: [pinned('snat_v6_external', 'ipv6_ct_tuple', 'ipv6_nat_entry')],
	natRetries4: [pinned('snat_v4_alloc_retries', 'u32', 'u32', '1.18-', 'per-cpu')],
	natRetries6: [pinned('snat_v6_alloc_retries', 'u32', 'u32', '1.18-', 'per-cpu')],
	masqueradeExclusions4: [pinned('ipmasq_v4', 'lpm_v4_key', 'lpm_val')],
	masqueradeExclusions6: [pinned('ipmasq_v6', 'lpm_v6_key', 'lpm_val')],
	fragments4: [pinned('ipv4_frag_datagrams', 'ipv4_frag_id', 'ipv4_frag_l4ports')],
	fragments6: [pinned('ipv6_frag_datagrams', 'ipv6_frag_id', 'ipv6_frag_l4ports', '1.18-')],
	metrics: [pinned('metrics', 'metrics_key', 'metrics_value', '1.15-', 'per-cpu')],
	metricsPending: [pinned('metrics_pending', 'u32', 'metrics_pending', 'skep', 'per-cpu')],
	events: [pinned('events', 'u32', 'u32', 'skep', 'maps')],
	eventsLost: [pinned('events_lost', 'u32', 'u64', 'skep', 'per-cpu')],
	ratelimit: [pinned('ratelimit', 'ratelimit_key', 'ratelimit_value')],
	ratelimitMetrics: [
		pinned('ratelimit_metrics', 'ratelimit_metrics_key', 'ratelimit_metrics_value', '1.17-'),
	],
	runtimeConfig: [pinned('runtime_config', 'u32', 'u64')],
	services4: [pinned('lb4_services_v2', 'lb4_key', 'lb4_service')],
	services6: [pinned('lb6_services_v2', 'lb6_key', 'lb6_service')],
	backends4: [pinned('lb4_backends_v3', 'u32', 'lb4_backend')],
	backends6: [pinned('lb6_backends_v3', 'u32', 'lb6_backend')],
	reverseNat4: [pinned('lb4_reverse_nat', 'be16', 'lb4_reverse_nat')],
	reverseNat6: [pinned('lb6_reverse_nat', 'be16', 'lb6_reverse_nat')],
	affinity4: [pinned('lb4_affinity', 'lb4_affinity_key', 'lb_affinity_val')],
	affinity6: [pinned('lb6_affinity', 'lb6_affinity_key', 'lb_affinity_val')],
	affinityMatch: [pinned('lb_affinity_match', 'lb_affinity_match', 'u8')],
	sourceRange4: [pinned('lb4_source_range', 'lb4_src_range_key', 'u8')],
	sourceRange6: [pinned('lb6_source_range', 'lb6_src_range_key', 'u8')],
	maglev4: [pinned('lb4_maglev', 'be16', 'u32', '1.15-', 'maps')],
	maglev6: [pinned('lb6_maglev', 'be16', 'u32', '1.15-', 'maps')],
	reverseSockets4: [pinned('lb4_reverse_sk', 'ipv4_revnat_tuple', 'ipv4_revnat_entry')],
	reverseSockets6: [pinned('lb6_reverse_sk', 'ipv6_revnat_tuple', 'ipv6_revnat_entry')],
	prefilterAddresses4: [pinned('prefilter_v4_fix', 'u32', 'u32', 'skep', 'maps')],
	prefilterAddresses6: [pinned('prefilter_v6_fix', 'u32', 'u32', 'skep', 'maps')],
	prefilterPrefixes4: [pinned('prefilter_v4_dyn', 'u32', 'u32', 'skep', 'maps')],
	prefilterPrefixes6: [pinned('prefilter_v6_dyn', 'u32', 'u32', 'skep', 'maps')],
	cidrAddresses4: [pinned('cidr_v4_fix', 'lpm_v4_key', 'lpm_val')],
	cidrAddresses6: [pinned('cidr_v6_fix', 'lpm_v6_key', 'lpm_val')],
	cidrPrefixes4: [pinned('cidr_v4_dyn', 'lpm_v4_key', 'lpm_val')],
	cidrPrefixes6: [pinned('cidr_v6_dyn', 'lpm_v6_key', 'lpm_val')],
	skipServices4: [pinned('skip_lb4', 'skip_lb4_key', 'u8', '1.16-')],
	skipServices6: [pinned('skip_lb6', 'skip_lb6_key', 'u8', '1.16-')],
	directSockets: [pinned('sock_ops', 'sock_key', 'u64', 'skep')],
	directPorts: [pinned('sockmap_ports', 'sockmap_port', 'u8', 'skep')],
};

/** Each endpoint's policy: five digits of its id follow. */
export const policyTable: readonly PinnedAs[] = [
	pinned('policy_v2_', 'policy_key', 'policy_entry', '1.17-'),
	pinned('policy_', 'policy_key', 'policy_entry', '1.15-1.16'),
];
