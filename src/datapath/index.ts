/** The datapath: its maps, typed, on a skep node and on a Cilium node. */

export {DatapathError} from './datapath-error.js';
export {
	openDatapathMaps,
	type DatapathMaps,
	type DatapathMapsByName,
	type DatapathMapsOptions,
} from './maps.js';
export type {DatapathMap, KnownLayout, RecognisedBy, UnknownLayout} from './open-records.js';
export {layoutVersions, type LayoutVersion} from './layout/versions.js';
export type {DatapathMapName, DatapathRecords, MapReference} from './layout/map-table.js';
export {notifyCodec, type NotifyRecords} from './layout/notify-codec.js';
export type {CtEntry, CtTuple, NatEntry} from './layout/conntrack.js';
export type {
	FragmentKey,
	FragmentPorts,
	MetricsKey,
	MetricsPending,
	MetricsValue,
	RatelimitKey,
	RatelimitMetricsKey,
	RatelimitMetricsValue,
	RatelimitValue,
} from './layout/counters.js';
export type {
	EndpointInfo,
	EndpointKey,
	IpcacheKey,
	LxcDevice,
	LxcSettings,
	NodeKey,
	NodeValue,
	RemoteEndpointInfo,
} from './layout/endpoint.js';
export type {
	DropNotify,
	NotifyHeader,
	PolicyVerdictNotify,
	TraceNotify,
	TraceSockNotify,
} from './layout/notify.js';
export type {PrefixKey, PrefixValue} from './layout/prefix.js';
export type {PolicyEntry, PolicyKey, PolicyStatsKey, PolicyStatsValue} from './layout/policy.js';
export type {
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
} from './layout/service.js';
export type {DirectPortKey, DirectSocketKey} from './layout/sockmap.js';

export {
	datapathDown,
	datapathStatus,
	datapathUp,
	datapathUpgrade,
	type DatapathChange,
	type DatapathHook,
	type DatapathOptions,
	type DatapathStatus,
} from './datapath.js';
export type {DatapathSettings} from './kept-settings.js';
export type {HookChange, XdpChoice} from './hooks.js';
export type {HookKind} from './programs.js';
export {listExclusions, replaceExclusions} from './nat/exclusions.js';
export {Nat, NatList, openNat, OpenNat, type OpenNatOptions} from './nat/nat.js';
export type {NatFilter} from './nat/nat-filter.js';
export type {MasqueradeSettings, NatSettings} from './nat/settings.js';
export type {NatPortUse, NatStats, StatsOptions} from './nat/stats.js';
export type {Translation} from './nat/translation.js';
export type {NodeSettings} from './objects.js';
export {
	maglevSizes,
	serviceLoopback,
	type DsrDispatch,
	type ServiceSettings,
} from './service-settings.js';
export {mapSizes, type MapSizes, type SizeOptions} from './sizes.js';
export {DatapathClock} from './clock.js';
export {Endpoints, type Endpoint, type NewEndpoint} from './endpoints/endpoints.js';
export {Ipcache, type IpcacheEntry} from './ipcache/ipcache.js';
export type {Labels} from './identities/labels.js';
export {
	Identities,
	listIdentities,
	reservedIdentities,
	type Identity,
	type ReservedIdentity,
} from './identities/identities.js';
export {Prefilter, type PrefilterChange, type PrefilterOptions} from './prefilter/prefilter.js';
export {
	Policies,
	type EndpointPolicy,
	type NewPolicy,
	type PolicyChange,
	type PolicySummary,
} from './policy/policies.js';
export type {EnforcementOptions, PolicyEnforcement} from './policy/enforcement.js';
export type {PolicyMapEntry} from './policy/map-entry.js';
export type {PortRange} from './policy/ports.js';
export type {
	LabelSelector,
	PolicyDirection,
	PolicyPeer,
	PolicyProtocol,
	PolicyRule,
} from './policy/rule.js';
export {tracePolicy, type PolicyTrace, type TraceRequest, type TraceSide} from './policy/trace.js';
export type {TraceEnd, TraceTarget} from './policy/trace-end.js';
export type {TraceFlow} from './policy/trace-flow.js';
export {Services, type ServicesChange, type ServicesOptions} from './services/services.js';
export type {TableOptions} from './services/tables.js';
export {servicesFromKubernetes, type KubernetesOptions} from './services/kubernetes.js';
export {readMaglevTable} from './services/read-table.js';
export {flowHash, maglevPick, type MaglevFlow} from './services/flow-hash.js';
export type {
	Backend,
	Frontend,
	NewBackend,
	NewService,
	Service,
	ServiceBackend,
	ServiceScope,
	SourceRanges,
	TrafficPolicy,
} from './services/service.js';
export {
	backendStates,
	serviceTypes,
	type BackendState,
	type ServiceAlgorithm,
	type ServiceType,
} from './services/flags.js';
export type {Backends, BackendReference, ListedBackend} from './services/backends.js';
export {Affinity, type AffinityEntry, type AffinityFilter} from './services/affinity.js';
export {
	defaultMaglevSeed,
	defaultMaglevSize,
	maglevDiff,
	maglevShares,
	maglevTable,
	readMaglevSeed,
	type MaglevBackend,
	type MaglevChange,
	type MaglevOptions,
	type MaglevSeeds,
	type MaglevShare,
	type MaglevTable,
} from './services/maglev.js';
export {
	Conntrack,
	type ConntrackOptions,
	type FlowListOptions,
	type TopOptions,
} from './conntrack/conntrack.js';
export {
	openConntrack,
	OpenConntrack,
	type OpenConntrackOptions,
} from './conntrack/open-conntrack.js';
export {FlowList, type FlowScanOptions} from './conntrack/flow-list.js';
export type {Flow, FlowCounts, FlowDirection, FlowKey} from './conntrack/flow.js';
export type {FlowFilter} from './conntrack/flow-filter.js';
export type {FlowFlag, FlowState} from './conntrack/raw-entry.js';
export type {FlowRate, RateOrder} from './conntrack/flow-rates.js';
export {jiffiesClock, monotonicClock, type FlowClock} from './conntrack/flow-clock.js';
export type {
	GcLoopOptions,
	GcMapResult,
	GcOptions,
	GcPass,
	GcResult,
	GcTrigger,
	Purged,
} from './conntrack/gc.js';
export {nextGcInterval, type GcIntervalOptions, type GcPace} from './conntrack/gc-schedule.js';
export type {Swept} from './conntrack/sweep.js';
export {
	authTypes,
	ciliumSourceFiles,
	dropReasons,
	matchTypes,
	metricDirections,
	metricReasons,
	metricReasonText,
	parseDropReason,
	policyDirections,
	sourceFiles,
	socketPoints,
	tracePoints,
	traceReasons,
	type Meaning,
	type Meanings,
} from './reasons.js';
export {Metrics, type MetricsRow, type WatchMetricsOptions} from './metrics/metrics.js';
export {monitor, Monitor, type MonitorOptions, type MonitorStats} from './monitor/monitor.js';
export {
	eventKinds,
	type DropEvent,
	type EventKind,
	type LostEvent,
	type MonitorEvent,
	type PacketEvent,
	type PolicyVerdictEvent,
	type SocketEvent,
	type TraceEvent,
	type UnknownEvent,
	type Verdict,
} from './monitor/events.js';
export type {MonitorFilter} from './monitor/filter.js';
export {readFlow, type PacketFlow} from './monitor/packet-flow.js';
export {
	Sockets,
	type DirectPort,
	type DirectSocket,
	type ServiceSocket,
} from './sockets/sockets.js';
