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
