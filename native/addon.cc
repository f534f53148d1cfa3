// Entry of the addon: per-environment state and the list of what JavaScript can call.

#include <unistd.h>

#include "args.h"
#include "env_state.h"
#include "sys.h"

namespace skep {
namespace {

// closeFd(fd) -> 0 | -errno
//
// Closes a descriptor that this addon returned; -EBADF for any other.
napi_value CloseFd(napi_env env, napi_callback_info info) {
	int fd = -1;
	if (!Args(env, info).Fd(&fd).Ok()) return nullptr;
	return Number(env, EnvState::Of(env).Close(fd));
}

// possibleCpus() -> number
//
// CPUs that per-CPU values have a slot for; 0 when the kernel does not tell.
napi_value PossibleCpus(napi_env env, napi_callback_info) {
	return Number(env, EnvState::Of(env).possible_cpus());
}

// fdKind(fd) -> 'map' | 'program' | 'link' | 'btf' | 'other' | null
//
// What a descriptor of this addon is; null for any other.
napi_value KindOfFd(napi_env env, napi_callback_info info) {
	int fd = -1;
	FdKind kind = FdKind::kNone;
	if (!Args(env, info).Fd(&fd).Ok()) return nullptr;
	if (!EnvState::Of(env).KindOf(fd, &kind)) return Null(env);
	constexpr const char* kNames[] = {"none", "other", "map", "program", "link", "btf"};
	return Text(env, kNames[static_cast<size_t>(kind)]);
}

// pageSize() -> number
napi_value PageSize(napi_env env, napi_callback_info) {
	return Number(env, static_cast<double>(sysconf(_SC_PAGESIZE)));
}

Napi::PropertyDescriptor Function(const char* name, napi_callback function) {
	return napi_property_descriptor{name, nullptr, function, nullptr, nullptr, nullptr, napi_enumerable, nullptr};
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
	if (!EnvState::Attach(env)) return exports;
	exports.DefineProperties({
		Function("mapLookup", MapLookup),
		Function("mapUpdate", MapUpdate),
		Function("mapDelete", MapDelete),
		Function("mapNextKey", MapNextKey),
		Function("mapTypes", MapTypes),
		Function("closeFd", CloseFd),
		Function("possibleCpus", PossibleCpus),
		Function("fdKind", KindOfFd),
		Function("pageSize", PageSize),
		Function("bpf", Bpf),
		Function("bpfAsync", BpfAsync),
		Function("objectInfo", ObjectInfo),
		Function("memoryMap", MemoryMap),
		Function("memoryRead", MemoryRead),
		Function("memoryWrite", MemoryWrite),
		Function("releaseMemory", ReleaseMemory),
		Function("ringOpen", RingOpen),
		Function("ringRead", RingRead),
		Function("ringPending", RingPending),
		Function("userRingOpen", UserRingOpen),
		Function("userRingWrite", UserRingWrite),
		Function("pollOpen", PollOpen),
		Function("pollAdd", PollAdd),
		Function("pollWait", PollWait),
		Function("pollStop", PollStop),
		Function("perfEventOpen", PerfEventOpen),
		Function("perfRingOpen", PerfRingOpen),
		Function("perfRingPending", PerfRingPending),
		Function("perfRingRead", PerfRingRead),
		Function("interfaceIndex", InterfaceIndex),
		Function("interfaceName", InterfaceName),
		Function("interfaceMac", InterfaceMac),
		Function("interfaces", Interfaces),
		Function("lockFolder", LockFolder),
		Function("setFolderLock", SetFolderLock),
		Function("maglevTable", MaglevTable),
		Function("netlink", Netlink),
		Function("netnsCreate", NetnsCreate),
		Function("netnsCookie", NetnsCookie),
		Function("netnsOpen", NetnsOpen),
		Function("socketOpen", SocketOpen),
		Function("ethtool", Ethtool),
		Function("packetOpen", PacketOpen),
		Function("packetRead", PacketRead),
		Function("packetDrops", PacketDrops),
		Function("perfEventEnable", PerfEventEnable),
		Function("perfEventSetProgram", PerfEventSetProgram),
		Function("socketProgram", SocketProgram),
	});
	return exports;
}

}  // namespace

Napi::Object InitAddon(Napi::Env env, Napi::Object exports) {
	return Init(env, exports);
}

}  // namespace skep

using skep::InitAddon;

NODE_API_MODULE(skep, InitAddon)
