// Names and numbers of network interfaces, here or in another network namespace.

#include <net/if.h>

#include <cerrno>
#include <utility>

#include "args.h"
#include "netns.h"
#include "sys.h"

namespace skep {

// interfaceIndex(name, netns) -> ifindex | -errno
Napi::Value InterfaceIndex(const Napi::CallbackInfo& info) {
	std::string name;
	int netns = -1;
	if (!Args(info).Text("name", &name).OptionalFd("netns", &netns).Ok()) return info.Env().Undefined();
	int error = 0;
	const long result = InNetns(netns, &error, [&]() -> long {
		const unsigned int index = if_nametoindex(name.c_str());
		return index == 0 ? -1 : static_cast<long>(index);
	});
	return Result(info.Env(), result, error);
}

// interfaceName(ifindex, netns) -> string | null
Napi::Value InterfaceName(const Napi::CallbackInfo& info) {
	uint32_t index = 0;
	int netns = -1;
	if (!Args(info).Uint32("ifindex", &index).OptionalFd("netns", &netns).Ok()) return info.Env().Undefined();
	char name[IF_NAMESIZE] = {};
	int error = 0;
	const long result = InNetns(netns, &error, [&]() -> long {
		return if_indextoname(index, name) == nullptr ? -1 : 0;
	});
	if (result < 0) return info.Env().Null();
	return Napi::String::New(info.Env(), name);
}

// interfaces(netns) -> [[ifindex, name], ...] | -errno
Napi::Value Interfaces(const Napi::CallbackInfo& info) {
	const Napi::Env env = info.Env();
	int netns = -1;
	if (!Args(info).OptionalFd("netns", &netns).Ok()) return env.Undefined();
	struct if_nameindex* list = nullptr;
	int error = 0;
	const long result = InNetns(netns, &error, [&]() -> long {
		list = if_nameindex();
		return list == nullptr ? -1 : 0;
	});
	if (result < 0) return Result(env, result, error);

	Napi::Array interfaces = Napi::Array::New(env);
	for (uint32_t i = 0; list[i].if_index != 0; i++) {
		Napi::Array pair = Napi::Array::New(env, 2);
		pair.Set(0u, Napi::Number::New(env, list[i].if_index));
		pair.Set(1u, Napi::String::New(env, list[i].if_name));
		interfaces.Set(i, pair);
	}
	if_freenameindex(list);
	return interfaces;
}

}  // namespace skep
