// Names and numbers of network interfaces, here or in another network namespace.

#include <net/if.h>

#include <cerrno>
#include <memory>

#include "args.h"
#include "netns.h"
#include "sys.h"

namespace skep {

// interfaceIndex(name, netns) -> ifindex | -errno
napi_value InterfaceIndex(napi_env env, napi_callback_info info) {
	std::array<char, 256> name{};
	int netns = -1;
	if (!Args(env, info).Text("name", &name).OptionalFd("netns", &netns).Ok()) return nullptr;
	int error = 0;
	const long result = InNetns(netns, &error, [&]() -> long {
		const unsigned int index = if_nametoindex(name.data());
		return index == 0 ? -1 : static_cast<long>(index);
	});
	return Result(env, result, error);
}

// interfaceName(ifindex, netns) -> string | null
napi_value InterfaceName(napi_env env, napi_callback_info info) {
	uint32_t index = 0;
	int netns = -1;
	if (!Args(env, info).Uint32("ifindex", &index).OptionalFd("netns", &netns).Ok()) return nullptr;
	char name[IF_NAMESIZE] = {};
	int error = 0;
	const long result = InNetns(netns, &error, [&]() -> long {
		return if_indextoname(index, name) == nullptr ? -1 : 0;
	});
	return result < 0 ? Null(env) : Text(env, name);
}

// interfaces(netns) -> [[ifindex, name], ...] | -errno
napi_value Interfaces(napi_env env, napi_callback_info info) {
	int netns = -1;
	if (!Args(env, info).OptionalFd("netns", &netns).Ok()) return nullptr;
	std::unique_ptr<struct if_nameindex[], decltype(&if_freenameindex)> list(nullptr, if_freenameindex);
	int error = 0;
	const long result = InNetns(netns, &error, [&]() -> long {
		list.reset(if_nameindex());
		return list == nullptr ? -1 : 0;
	});
	if (result < 0) return Result(env, result, error);

	napi_value interfaces = nullptr;
	napi_create_array(env, &interfaces);
	for (uint32_t i = 0; list[i].if_index != 0; i++) {
		napi_value pair = nullptr;
		napi_create_array_with_length(env, 2, &pair);
		napi_set_element(env, pair, 0, Number(env, list[i].if_index));
		napi_set_element(env, pair, 1, Text(env, list[i].if_name));
		napi_set_element(env, interfaces, i, pair);
	}
	return interfaces;
}

}  // namespace skep
