/** The lab: datapath experiments as TypeScript. */

export {lab, type Lab} from './lab.js';
export {LabError} from './topology/lab-error.js';
export {cleanLabs, listLabs, type ListedHost, type ListedLab} from './topology/leftovers.js';
export type {
	EndOptions,
	HostOptions,
	Hosts,
	LinkOptions,
	NetemOptions,
	Offloads,
	RouteOptions,
	Topology,
	VxlanOptions,
} from './topology/topology.js';
export type {Role} from './topology/plan.js';
export {type Host, type HostInterface} from './host/host.js';
export type {InterfaceState, NeighbourEntry, RouteState} from './host/state.js';
export type {ExecOptions, ExecResult, SpawnInOptions} from './host/exec.js';
export {enterHost, type EnterOptions} from './host/shell.js';
export {Capture, type CaptureOptions} from './host/capture.js';
export type {Frame} from '../kernel/sys/packet-socket.js';
export {HostError} from './host/host-error.js';
export type {PingOptions} from './host/ping.js';
export type {ConnectOptions, Family, ListenOptions, UdpOptions} from './host/sockets.js';
export {ProcessError} from './host/process-error.js';
export {PcapBuffer, PcapReader, openPcap, readPcap, type PcapContents} from './pcap/reader.js';
export {PcapWriter, createPcap, encodePcap} from './pcap/writer.js';
export type {PcapFormat} from './pcap/encode.js';
export type {
	CapturedPacket,
	CaptureInterface,
	InterfaceToWrite,
	PacketToWrite,
	SkippedBlocks,
} from './pcap/packet.js';
export type {LinkType} from './pcap/link-type.js';
export {PcapError} from './pcap/pcap-error.js';
export {experiment, type FinishedExperiment, type MeasureContext} from './experiment/experiment.js';
export {ExperimentError, type Failure} from './experiment/experiment-error.js';
export type {ExperimentFiles} from './experiment/files.js';
export type {Measurement} from './experiment/journal.js';
export type {Machine} from './experiment/machine.js';
export type {ExperimentOptions} from './experiment/options.js';
export type {Combination, Parameters, ParameterValue} from './experiment/parameters.js';
export type {Previous} from './experiment/previous.js';
export type {ProgressStream} from './experiment/progress.js';
export type {CombinationSummary, ExperimentResult} from './experiment/result.js';
export type {Order} from './experiment/schedule.js';
export {
	median,
	medianAbsoluteDeviation,
	quantile,
	summarize,
	type Statistics,
} from './experiment/statistics.js';
export {
	runPacket,
	runPackets,
	type PacketRun,
	type PacketStep,
	type RunPacketOptions,
	type RunPacketsOptions,
} from './run/run-packet.js';
export type {PacketContext} from './run/context.js';
export type {PacketLike} from './run/packet-like.js';
export type {MapEffect} from './run/map-snapshot.js';
export type {UnwatchedMap, WatchedMaps} from './run/map-watch.js';
export {
	cases,
	CaseTable,
	runCases,
	type CasePacket,
	type CaseResult,
	type CasesOptions,
	type PacketCase,
	type SequenceCase,
	type SinglePacketCase,
	type TableCase,
} from './run/cases.js';
export type {ExpectedEffect, ExpectedRun} from './run/check-run.js';
export {
	formatMeasurements,
	measureCases,
	type CaseMeasurement,
	type MeasureCasesOptions,
} from './run/measure-cases.js';
export {sendLive, type LiveResult, type SendLiveOptions} from './run/send-live.js';
export type {ExpectedFrame, ExpectedFrames} from './run/live-expectation.js';
export {
	captureToFile,
	type CaptureToFileOptions,
	type FileCapture,
} from './pcap/capture-to-file.js';
export {runUnitTests, type UnitTestOptions} from './unit-test/run-unit-tests.js';
export {UnitTestError} from './unit-test/cases.js';
export type {
	Stage,
	StageRun,
	SuiteReport,
	TestResult,
	UnitTestCase,
	UnitTestReport,
} from './unit-test/results.js';
export type {SubResult, TestStatus} from './unit-test/suite-result.js';
export type {PacketComparison} from './unit-test/comparisons.js';
export type {SourcePlace} from './unit-test/source-places.js';
export {packet, parsePacket, Packet, type PacketPart, type ParseOptions} from './packet/packet.js';
export type {Drafts, Layer, LayerDraft, LayerName, Layers} from './packet/layers.js';
export type {DraftOf, OptionsOf, Wrong} from './packet/fields.js';
export {
	ethernet,
	vlan,
	type EthernetDraft,
	type EthernetLayer,
	type EthernetOptions,
	type VlanDraft,
	type VlanLayer,
	type VlanOptions,
} from './packet/link.js';
export {arp, type ArpDraft, type ArpLayer, type ArpOptions} from './packet/arp.js';
export {ipv4, type Ipv4Draft, type Ipv4Layer, type Ipv4Options} from './packet/ipv4.js';
export type {Ipv4Option} from './packet/ipv4-options.js';
export {ipv6, type Ipv6Draft, type Ipv6Layer, type Ipv6Options} from './packet/ipv6.js';
export {
	ah,
	destinationOptions,
	fragment,
	hopByHop,
	routing,
	type AhDraft,
	type AhLayer,
	type AhOptions,
	type DestinationOptionsDraft,
	type DestinationOptionsLayer,
	type DestinationOptionsOptions,
	type FragmentDraft,
	type FragmentLayer,
	type FragmentOptions,
	type HopByHopDraft,
	type HopByHopLayer,
	type HopByHopOptions,
	type Ipv6Option,
	type Ipv6OptionsFields,
	type RoutingDraft,
	type RoutingLayer,
	type RoutingOptions,
} from './packet/ipv6-extensions.js';
export {icmp, IcmpType, type IcmpDraft, type IcmpLayer, type IcmpOptions} from './packet/icmp.js';
export {
	icmpv6,
	Icmpv6Type,
	type Icmpv6Draft,
	type Icmpv6Layer,
	type Icmpv6Options,
} from './packet/icmpv6.js';
export type {NeighbourOption} from './packet/neighbour-options.js';
export {tcp, type TcpDraft, type TcpFlag, type TcpLayer, type TcpOptions} from './packet/tcp.js';
export type {TcpOption} from './packet/tcp-options.js';
export {udp, type UdpDraft, type UdpLayer, type UdpLayerOptions} from './packet/udp.js';
export {
	sctp,
	type SctpChunk,
	type SctpDraft,
	type SctpLayer,
	type SctpOptions,
} from './packet/sctp.js';
export {
	geneve,
	vxlan,
	type GeneveDraft,
	type GeneveLayer,
	type GeneveOption,
	type GeneveOptions,
	type VxlanDraft,
	type VxlanLayer,
	type VxlanLayerOptions,
} from './packet/tunnels.js';
export {
	padding,
	payload,
	type PaddingDraft,
	type PaddingLayer,
	type PaddingOptions,
	type PayloadDraft,
	type PayloadLayer,
	type PayloadOptions,
} from './packet/payload.js';
export {fragmentPacket, reassemble, type FragmentPacketOptions} from './packet/fragments.js';
export {crc32c, internetChecksum} from './packet/checksum.js';
export {diffPackets, type PacketDifference} from './packet/diff.js';
export {formatPacketDiff} from './packet/format-diff.js';
