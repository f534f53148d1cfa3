// Network namespaces: making one, and opening files, sockets and settings of devices inside.

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "args.h"
#include "cgroup.h"
#include "env_state.h"
#include "netns.h"
#include "sys.h"

namespace skep {

// netnsCreate() -> fd | -errno
//
// A new network namespace; it lives as long as the descriptor, and what else is in it.
napi_value NetnsCreate(napi_env env, napi_callback_info) {
	int error = 0;
	const long fd = OnOwnThread(&error, []() -> long {
		if (unshare(CLONE_NEWNET) < 0) return -1;
		return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	});
	if (fd >= 0) EnvState::Of(env).Own(static_cast<int>(fd), FdKind::kOther);
	return Result(env, fd, error);
}

// netnsCookie(netns) -> number | -errno
//
// The number by which programs of sockets know the namespace. The kernel counts namespaces: it is
// far from what a number of JavaScript cannot hold.
napi_value NetnsCookie(napi_env env, napi_callback_info info) {
	int netns = -1;
	if (!Args(env, info).OptionalFd("netns", &netns).Ok()) return nullptr;
	int error = 0;
	const long result = InNetns(netns, &error, []() -> long {
		const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd < 0) return -1;
		uint64_t cookie = 0;
		socklen_t size = sizeof(cookie);
		const int returned = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size);
		const int refused = errno;
		close(fd);
		errno = refused;
		return returned < 0 ? -1 : static_cast<long>(cookie);
	});
	return Result(env, result, error);
}

// netnsOpen(path, flags, netns) -> fd | -errno
//
// Opens a file as a thread in the namespace sees it: one of /proc/sys/net or of
// /proc/thread-self/net. The descriptor is the caller's to close, not the addon's.
napi_value NetnsOpen(napi_env env, napi_callback_info info) {
	std::array<char, 512> path{};
	uint32_t flags = 0;
	int netns = -1;
	if (!Args(env, info).Text("path", &path).Uint32("flags", &flags).OptionalFd("netns", &netns).Ok())
		return nullptr;
	if ((flags & ~static_cast<uint32_t>(O_ACCMODE)) != 0)
		return ThrowRange(env, "flags: expected how to access only");
	int error = 0;
	const long fd = InNetns(netns, &error, [&]() -> long {
		return open(path.data(), static_cast<int>(flags) | O_CLOEXEC);
	});
	return Result(env, fd, error);
}

// socketOpen(family, type, protocol, address, netns, cgroup) -> fd | -errno
//
// A non-blocking socket of the namespace and the cgroup, bound where `address`, a sockaddr, is not
// empty. The descriptor is the caller's to close, not the addon's.
napi_value SocketOpen(napi_env env, napi_callback_info info) {
	uint32_t family = 0;
	uint32_t type = 0;
	uint32_t protocol = 0;
	ByteSpan given;
	int netns = -1;
	int cgroup = -1;
	if (!Args(env, info)
	         .Uint32("family", &family)
	         .Uint32("type", &type)
	         .Uint32("protocol", &protocol)
	         .Bytes("address", &given)
	         .OptionalFd("netns", &netns)
	         .OptionalFd("cgroup", &cgroup)
	         .Ok())
		return nullptr;
	sockaddr_storage address = {};
	if (given.size > sizeof(address)) return ThrowRange(env, "address: expected a sockaddr");
	if (given.size > 0) std::memcpy(&address, given.data, given.size);
	int error = 0;
	const long result = InCgroup(cgroup, netns, &error, [&]() -> long {
		const int fd = socket(static_cast<int>(family),
		                      static_cast<int>(type) | SOCK_NONBLOCK | SOCK_CLOEXEC,
		                      static_cast<int>(protocol));
		if (fd < 0 || given.size == 0) return fd;
		const int on = 1;
		if (type == SOCK_STREAM) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(given.size)) == 0)
			return fd;
		const int refused = errno;
		close(fd);
		errno = refused;
		return -1;
	});
	return Result(env, result, error);
}

// ethtool(name, command, value, netns) -> number | -errno
//
// One of ethtool's commands that get or set a single number (struct ethtool_value).
napi_value Ethtool(napi_env env, napi_callback_info info) {
	std::array<char, IFNAMSIZ> name{};
	uint32_t command = 0;
	uint32_t value = 0;
	int netns = -1;
	if (!Args(env, info)
	         .Text("name", &name)
	         .Uint32("command", &command)
	         .Uint32("value", &value)
	         .OptionalFd("netns", &netns)
	         .Ok())
		return nullptr;
	// The others exchange other structures, of other sizes.
	constexpr uint32_t kCommands[] = {
		ETHTOOL_GLINK, ETHTOOL_GRXCSUM, ETHTOOL_SRXCSUM, ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM, ETHTOOL_GSG,
		ETHTOOL_SSG,   ETHTOOL_GTSO,    ETHTOOL_STSO,    ETHTOOL_GGSO,    ETHTOOL_SGSO,    ETHTOOL_GGRO,
		ETHTOOL_SGRO,
	};
	if (std::find(std::begin(kCommands), std::end(kCommands), command) == std::end(kCommands))
		return ThrowRange(env, "command: not one that exchanges a single number");
	ethtool_value exchanged = {command, value};
	int error = 0;
	const long result = InNetns(netns, &error, [&]() -> long {
		const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd < 0) return -1;
		ifreq request = {};
		std::memcpy(request.ifr_name, name.data(), name.size());
		request.ifr_data = reinterpret_cast<char*>(&exchanged);
		const int returned = ioctl(fd, SIOCETHTOOL, &request);
		const int refused = errno;
		close(fd);
		errno = refused;
		return returned < 0 ? -1 : static_cast<long>(exchanged.data);
	});
	return Result(env, result, error);
}

}  // namespace skep
