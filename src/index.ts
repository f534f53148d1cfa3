/** The public API of skep. */

export {EbpfError, isEbpfError, UsageError} from './base/errors.js';
export {hex} from './base/bytes.js';
export {nearest} from './base/suggest.js';

export {errnoName, errnoText} from './uapi/errno.js';
export {mapTypes, type MapType} from './uapi/map-types.js';
export {programTypes, type ProgramType} from './uapi/program-types.js';
export {attachTypes, type AttachType} from './uapi/attach-types.js';
export {linkTypes, type LinkType} from './uapi/link-types.js';
export {flagNames, mapFlags, programFlags} from './uapi/flags.js';

export {
	disassemble,
	type DisassembleOptions,
	type DisassemblyLine,
} from './format/asm/disassemble.js';
export {allIds, Btf} from './format/btf/btf.js';
export {dumpC, type DumpOptions} from './format/btf/c/dump.js';
export {
	diffTypes,
	type DiffOptions,
	type PartChange,
	type PartState,
	type TypeChange,
} from './format/btf/diff.js';
export {mergeTypes, type MergedTypes} from './format/btf/merge.js';
export {searchTypes} from './format/btf/search.js';
export {BtfBuilder} from './format/btf/builder.js';
export {createCodec, type Codec} from './format/codec/codec.js';
export {CodecError} from './format/codec/codec-error.js';
export type {FieldCodec, FieldCodecs} from './format/codec/layout.js';
export {describeType} from './format/btf/describe.js';
export type {BtfKind, BtfType, BtfTypeOf} from './format/btf/types.js';
export {VerifierError} from './format/log/verifier-error.js';
export type {
	FailedRelocation,
	RelocationCandidate,
	RelocationSubject,
} from './format/log/failed-relocation.js';
export type {VerifierStatistics} from './format/log/statistics.js';

export {readTypes} from './spec/read-types.js';
export {parseObject, readObject} from './spec/read.js';
export {CoreRelocationError} from './spec/core-relo/core-error.js';
export {copyCollectionSpec} from './spec/copy.js';
export {renameMap, resizeVariable} from './spec/change.js';
export type {CollectionSpec, ExternSpec, MapSpec, ProgramSpec} from './spec/types.js';
export {VariableSpec} from './spec/variable.js';

export {
	FeatureError,
	featureNames,
	hasFeature,
	probeFeatures,
	type FeatureReport,
	type ProbeOptions,
} from './kernel/features/probe-features.js';
export type {FeatureGroup} from './kernel/features/feature.js';
export {examineHost, type Diagnosis, type Finding} from './kernel/doctor/examine.js';
export {UnsupportedError} from './kernel/features/unsupported-error.js';
export {kernelBtf} from './kernel/host/kernel-btf.js';
export {moduleBtf, modulesWithBtf} from './kernel/host/module-btf.js';
export {KernelConfigError} from './kernel/host/kernel-config.js';
export {KernelSymbolError} from './kernel/host/kernel-symbols.js';
export {findHolders, type HeldKind, type Holder} from './kernel/host/holders.js';
export {isBpffs} from './kernel/host/bpffs.js';
export {cgroupRoot} from './kernel/host/cgroup.js';
export {SyscallError, errnoOf} from './kernel/sys/syscall-error.js';
export {NetlinkError} from './kernel/netlink/netlink-error.js';
export type {XdpMode} from './kernel/netlink/device.js';
export type {BpfFilter} from './kernel/netlink/tc.js';
export type {LinkInfo} from './kernel/sys/link-info.js';

export {BpfMap, type GetOptions, type OpenMapOptions, type SetOptions} from './object/map/map.js';
export type {CpuEntry, DeviceEntry, HasFd} from './object/map/reference-codecs.js';
export {createMap, type CreateMapOptions, type MapDescription} from './object/map/create-map.js';
export {openMapById, openPinnedMap} from './object/map/open-map.js';
export type {Entry} from './object/map/element-iterators.js';
export {Entries} from './object/map/entries.js';
export type {ElementFilter, FilterNumber, FilterRange} from './object/map/fast-filter.js';
export type {FastOptions} from './object/map/fast-scan.js';
export {MapMemory, type MemoryOptions} from './object/map/map-memory.js';
export {EventBatch} from './object/events/event-batch.js';
export type {EventTypeOptions} from './object/events/event-codec.js';
export {EventReader, type ReaderOptions, type ReaderStats} from './object/events/event-reader.js';
export {
	openPerfBuffer,
	PerfBufferReader,
	type PerfBufferOptions,
} from './object/events/perf-buffer.js';
export {
	openRingBuffer,
	RingBufferReader,
	type RingBufferOptions,
} from './object/events/ring-buffer.js';
export {openUserRingBuffer, UserRingBuffer} from './object/events/user-ring-buffer.js';
export {MapError} from './object/map/map-error.js';
export type {MapInfo} from './object/map/map-info.js';
export type {Batch, ScanOptions} from './object/map/scan.js';
export {watchMap, type MapChange, type WatchOptions} from './object/map/watch.js';

export {
	enableProgramStats,
	openPinnedProgram,
	openProgramById,
	Program,
} from './object/program/program.js';
export {loadProgram, loadProgramAsync} from './object/program/load-program.js';
export type {LoadProgramOptions} from './object/program/prepare-program.js';
export type {TargetBtf} from './object/program/core-target.js';
export {ProgramError} from './object/program/program-error.js';
export type {ProgramInfo, ProgramStats} from './object/program/program-info.js';
export type {RunOptions, RunResult} from './object/program/test-run.js';

export {Link, openLinkById, openPinnedLink, type Mechanism} from './object/link/link.js';
export {attachXdp, type AttachXdpOptions} from './object/link/attach-xdp.js';
export {HookAttachment} from './object/link/hook-attachment.js';
export type {CgroupSharing} from './object/link/cgroup-attachment.js';
export type {Owner} from './object/link/owner.js';
export {attachTcx, type Anchor, type AttachTcxOptions} from './object/link/attach-tcx.js';
export {attachCgroup, type AttachCgroupOptions} from './object/link/attach-cgroup.js';
export {attachFreplace, attachLsm, attachTracing} from './object/link/attach-tracing.js';
export type {
	AttachLsmOptions,
	CookieOptions,
	ProgramFunction,
} from './object/link/attach-tracing.js';
export {attachIterator, IteratorLink} from './object/link/attach-iterator.js';
export type {IteratorTarget} from './object/link/attach-iterator.js';
export {attachKprobe, attachKprobeMulti} from './object/link/attach-kprobe.js';
export type {AttachKprobeMultiOptions, AttachKprobeOptions} from './object/link/attach-kprobe.js';
export {attachNetfilter, type AttachNetfilterOptions} from './object/link/attach-netfilter.js';
export {attachNetkit, type AttachNetkitOptions} from './object/link/attach-netkit.js';
export {attachNetns} from './object/link/attach-netns.js';
export {attachPerfEvent, type AttachPerfEventOptions} from './object/link/attach-perf-event.js';
export {attachRawTracepoint} from './object/link/attach-raw-tracepoint.js';
export {attachSocket} from './object/link/attach-socket.js';
export {attachSockmap, type AttachSockmapOptions} from './object/link/attach-sockmap.js';
export {attachTracepoint} from './object/link/attach-tracepoint.js';
export {attachUprobe, attachUprobeMulti} from './object/link/attach-uprobe.js';
export type {
	AttachUprobeMultiOptions,
	AttachUprobeOptions,
	UprobePlace,
} from './object/link/attach-uprobe.js';
export type {PerfLinkType} from './kernel/sys/link-info.js';
export type {AttachTo} from './object/program/attach-btf.js';
export {ProgramTargetError} from './object/program/program-error.js';
export {LinkError} from './object/link/link-error.js';
export {
	attach,
	type Attached,
	type AttachOptions,
	type AttachTarget,
	type CgroupTarget,
	type TcTarget,
	type XdpTarget,
} from './object/hook/attach.js';
export {
	joinXdp,
	leaveXdp,
	listXdpMembers,
	type JoinXdpOptions,
	type SharedProgram,
	type XdpSet,
} from './object/xdp-set/xdp-set.js';
export type {Dispatcher, DispatchedProgram} from './object/xdp-set/dispatcher.js';
export type {XdpMember} from './object/xdp-set/member.js';
export {listLinks} from './object/link/list-links.js';

export {Collection, NotFoundError, type MapPin} from './object/collection/collection.js';
export {
	loadCollection,
	loadCollectionAsync,
	type LoadCollectionOptions,
} from './object/collection/load-collection.js';
export type {SettingValue} from './object/collection/settings.js';
export {verifyCollection, type Verification} from './object/collection/verify-collection.js';
export {type StructOps, StructOpsRegistration} from './object/collection/struct-ops.js';
export type {SectionTarget} from './object/hook/attach-section.js';
export {readMetadata} from './object/collection/metadata.js';
export type {Variable} from './object/collection/variable.js';

export {openBtfById, openBtfFile} from './object/btf/open-btf.js';
export {listBtf, listMaps, listPrograms, type BtfInfo} from './object/list/list.js';
export {describePins, type PinDetails} from './object/list/describe-pins.js';
export {listPins, type Pin} from './object/pin/list-pins.js';
export {MapMismatchError} from './object/map/map-mismatch.js';
export type {Difference} from './object/map/type-diff.js';
export {PinError} from './object/pin/pin-error.js';
export type {MismatchPolicy, PinOrigin} from './object/map/reuse-pin.js';
export type {MigrateOptions} from './object/migrate/converter.js';
export type {MigrationReport} from './object/migrate/migration.js';
export {MigrationError} from './object/migrate/migration-error.js';
export type {CommitOptions} from './object/migrate/upgrade.js';
export {queryCgroup, queryTcx, type HookProgram, type HookState} from './object/net/query.js';
export {listCgroupHooks, listInterfaceHooks, type Hook} from './object/net/list-hooks.js';

export {compileObject, type CompileOptions, type CompileResult} from './toolchain/compile.js';
export {CompileError} from './toolchain/compile-error.js';
export {
	checkGenerated,
	generateModule,
	type Generated,
	type GenerateOptions,
} from './toolchain/gen.js';
export {GeneratedError} from './toolchain/gen-error.js';
export {
	DisassemblerError,
	disassembleMachine,
	type MachineCode,
	type MachineCodeOptions,
	type MachineInstruction,
} from './toolchain/machine-code.js';
export {disassembleSpec} from './spec/disassemble-program.js';
export {
	disassembleProgram,
	jitedFunctions,
	type JitedFunction,
} from './object/program/disassemble-program.js';
export {symbolNames} from './kernel/host/symbol-names.js';
export {
	watchPrograms,
	type ProgramRate,
	type WatchProgramsOptions,
} from './object/list/watch-programs.js';
export {buildObject, type BuildOptions, type BuildResult} from './toolchain/build.js';
export {watchBuild, type BuildEvent} from './toolchain/watch-build.js';
export {compareVerified, type Verified, type VerifiedChange} from './toolchain/verified.js';
