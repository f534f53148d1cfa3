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
Napi::Value CloseFd(const Napi::CallbackInfo& info) {
	int fd = -1;
	if (!Args(info).Fd(&fd).Ok()) return info.Env().Undefined();
	return Napi::Number::New(info.Env(), EnvState::Of(info.Env()).Close(fd));
}

// possibleCpus() -> number
//
// CPUs that per-CPU values have a slot for; 0 when the kernel does not tell.
Napi::Value PossibleCpus(const Napi::CallbackInfo& info) {
	return Napi::Number::New(info.Env(), EnvState::Of(info.Env()).possible_cpus());
}

// fdKind(fd) -> 'map' | 'program' | 'link' | 'btf' | 'other' | null
//
// What a descriptor of this addon is; null for any other.
Napi::Value KindOfFd(const Napi::CallbackInfo& info) {
	int fd = -1;
	FdKind kind = FdKind::kNone;
	if (!Args(info).Fd(&fd).Ok()) return info.Env().Undefined();
	if (!EnvState::Of(info.Env()).KindOf(fd, &kind)) return info.Env().Null();
	constexpr const char* kNames[] = {"none", "other", "map", "program", "link", "btf"};
	return Napi::String::New(info.Env(), kNames[static_cast<size_t>(kind)]);
}

// pageSize() -> number
Napi::Value PageSize(const Napi::CallbackInfo& info) {
	return Napi::Number::New(info.Env(), static_cast<double>(sysconf(_SC_PAGESIZE)));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
	env.SetInstanceData(new std::shared_ptr<EnvState>(std::make_shared<EnvState>()));
	const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
		exports.Set(name, Napi::Function::New(env, function, name));
	};
	const auto add_hot = [&](const char* name, napi_callback function) {
		napi_value value = nullptr;
		napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
		exports.Set(name, value);
	};
	add_hot("mapLookup", MapLookup);
	add_hot("mapUpdate", MapUpdate);
	add_hot("mapDelete", MapDelete);
	add_hot("mapNextKey", MapNextKey);
	add("closeFd", CloseFd);
	add("possibleCpus", PossibleCpus);
	add("fdKind", KindOfFd);
	add("pageSize", PageSize);
	add("bpf", Bpf);
	add("bpfAsync", BpfAsync);
	add("objectInfo", ObjectInfo);
	add("interfaceIndex", InterfaceIndex);
	add("interfaceName", InterfaceName);
	add("interfaces", Interfaces);
	add("interfaceXdp", InterfaceXdp);
	return exports;
}

}  // namespace
}  // namespace skep

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
	return skep::Init(env, exports);
}

NODE_API_MODULE(skep, Init)
