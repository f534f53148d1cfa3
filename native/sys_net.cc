// Names, numbers and addresses of network interfaces, here or in another network namespace.

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
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

// interfaceMac(name, mac, netns) -> 0 | -errno
//
// Writes the six bytes of its link-layer address into `mac`.
napi_value InterfaceMac(napi_env env, napi_callback_info info) {
	std::array<char, IFNAMSIZ> name{};
	ByteSpan mac;
	int netns = -1;
	if (!Args(env, info).Text("name", &name).Bytes("mac", &mac).OptionalFd("netns", &netns).Ok())
		return nullptr;
	constexpr size_t kSize = 6;
	if (mac.size != kSize) return ThrowRange(env, "mac: not of 6 bytes");
	int error = 0;
	const long result = InNetns(netns, &error, [&]() -> long {
		const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd < 0) return -1;
		ifreq request = {};
		std::memcpy(request.ifr_name, name.data(), name.size());
		const int returned = ioctl(fd, SIOCGIFHWADDR, &request);
		const int refused = errno;
		close(fd);
		errno = refused;
		if (returned == 0) std::memcpy(mac.data, request.ifr_hwaddr.sa_data, kSize);
		return returned;
	});
	return Result(env, result, error);
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
