// Packet sockets: frames as they pass an interface.

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "args.h"
#include "env_state.h"
#include "netns.h"
#include "sys.h"

namespace skep {
namespace {

constexpr size_t kTagSize = 4;
// Before the tag stand both addresses.
constexpr size_t kTagOffset = 2 * ETH_ALEN;
// What a row of the table tells of one frame, in 32-bit words.
constexpr size_t kRow = 8;

// What comes with a frame beside its bytes.
struct Aside {
	timespec time = {};
	tpacket_auxdata aux = {};
	bool has_aux = false;
};

Aside ReadAside(msghdr* message) {
	Aside aside;
	for (cmsghdr* each = CMSG_FIRSTHDR(message); each != nullptr; each = CMSG_NXTHDR(message, each)) {
		if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SO_TIMESTAMPNS)
			std::memcpy(&aside.time, CMSG_DATA(each), sizeof(aside.time));
		if (each->cmsg_level == SOL_PACKET && each->cmsg_type == PACKET_AUXDATA) {
			std::memcpy(&aside.aux, CMSG_DATA(each), sizeof(aside.aux));
			aside.has_aux = true;
		}
	}
	return aside;
}

// Puts back the VLAN tag that the kernel keeps beside the frame; the bytes it has then.
size_t InsertTag(uint8_t* frame, size_t size, const Aside& aside) {
	if (!aside.has_aux || (aside.aux.tp_status & TP_STATUS_VLAN_VALID) == 0 || size < kTagOffset)
		return size;
	const bool has_type = (aside.aux.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
	const uint16_t type = htons(has_type ? aside.aux.tp_vlan_tpid : ETH_P_8021Q);
	const uint16_t tag = htons(aside.aux.tp_vlan_tci);
	std::memmove(frame + kTagOffset + kTagSize, frame + kTagOffset, size - kTagOffset);
	std::memcpy(frame + kTagOffset, &type, sizeof(type));
	std::memcpy(frame + kTagOffset + sizeof(type), &tag, sizeof(tag));
	return size + kTagSize;
}

bool SetOption(int fd, int level, int option, const void* value, socklen_t size) {
	return setsockopt(fd, level, option, value, size) == 0;
}

bool Configure(int fd, int ifindex, int buffer) {
	const int on = 1;
	packet_mreq membership = {};
	membership.mr_ifindex = ifindex;
	membership.mr_type = PACKET_MR_PROMISC;
	// Less room than asked for is no failure.
	SetOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	return SetOption(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) &&
	       SetOption(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) &&
	       SetOption(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof(membership));
}

}  // namespace

// packetOpen(ifindex, buffer, netns) -> fd | -errno
//
// A packet socket that receives every frame of an interface, in both directions; `buffer` is the
// bytes that the kernel keeps for it.
napi_value PacketOpen(napi_env env, napi_callback_info info) {
	uint32_t ifindex = 0;
	uint32_t buffer = 0;
	int netns = -1;
	if (!Args(env, info).Uint32("ifindex", &ifindex).Uint32("buffer", &buffer).OptionalFd("netns", &netns).Ok())
		return nullptr;
	if (ifindex == 0 || ifindex > INT32_MAX || buffer > INT32_MAX / 2)
		return ThrowRange(env, "ifindex, buffer: out of range");
	int error = 0;
	const long result = InNetns(netns, &error, [&]() -> long {
		// Of no protocol, it receives nothing before it is bound.
		const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0) return -1;
		sockaddr_ll address = {};
		address.sll_family = AF_PACKET;
		address.sll_protocol = htons(ETH_P_ALL);
		address.sll_ifindex = static_cast<int>(ifindex);
		if (Configure(fd, address.sll_ifindex, static_cast<int>(buffer)) &&
		    bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0)
			return fd;
		const int refused = errno;
		close(fd);
		errno = refused;
		return -1;
	});
	if (result >= 0) EnvState::Of(env).Own(static_cast<int>(result), FdKind::kOther);
	return Result(env, result, error);
}

// packetRead(fd, bytes, table) -> number | -errno
//
// Reads the frames that wait, one after another into `bytes`, as far as there is room for 64 KiB
// and a row in `table`. A row is eight 32-bit words: offset, captured bytes, bytes of the frame,
// seconds (low, high), nanoseconds, PACKET_* (where to), and TP_STATUS_*.
napi_value PacketRead(napi_env env, napi_callback_info info) {
	int fd = -1;
	ByteSpan bytes;
	ByteSpan table;
	if (!Args(env, info).Fd(&fd).Bytes("bytes", &bytes).Bytes("table", &table).Ok()) return nullptr;
	constexpr size_t kMaxFrame = 1 << 16;
	FdKind kind = FdKind::kNone;
	if (!EnvState::Of(env).KindOf(fd, &kind)) return Number(env, -EBADF);
	size_t offset = 0;
	size_t rows = 0;
	while (bytes.size - offset >= kMaxFrame + kTagSize &&
	       table.size / sizeof(uint32_t) / kRow > rows) {
		alignas(cmsghdr) char control[256];
		sockaddr_ll address = {};
		iovec vector = {bytes.data + offset, kMaxFrame};
		msghdr message = {};
		message.msg_name = &address;
		message.msg_namelen = sizeof(address);
		message.msg_iov = &vector;
		message.msg_iovlen = 1;
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		const ssize_t received = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC);
		if (received < 0) {
			const int error = errno;
			if (error == EINTR) continue;
			if (error == EAGAIN || rows > 0) break;
			return Number(env, -error);
		}
		const Aside aside = ReadAside(&message);
		const size_t whole = static_cast<size_t>(received);
		const size_t kept = InsertTag(bytes.data + offset, std::min(whole, kMaxFrame), aside);
		const uint64_t seconds = static_cast<uint64_t>(aside.time.tv_sec);
		const uint32_t row[kRow] = {
			static_cast<uint32_t>(offset),
			static_cast<uint32_t>(kept),
			static_cast<uint32_t>(kept + whole - std::min(whole, kMaxFrame)),
			static_cast<uint32_t>(seconds),
			static_cast<uint32_t>(seconds >> 32),
			static_cast<uint32_t>(aside.time.tv_nsec),
			address.sll_pkttype,
			aside.has_aux ? aside.aux.tp_status : 0,
		};
		std::memcpy(table.data + rows * sizeof(row), row, sizeof(row));
		offset += kept;
		rows++;
	}
	return Number(env, static_cast<double>(rows));
}

// packetDrops(fd) -> number | -errno
//
// Frames that there was no room for since it was asked last.
napi_value PacketDrops(napi_env env, napi_callback_info info) {
	int fd = -1;
	if (!Args(env, info).Fd(&fd).Ok()) return nullptr;
	FdKind kind = FdKind::kNone;
	if (!EnvState::Of(env).KindOf(fd, &kind)) return Number(env, -EBADF);
	tpacket_stats statistics = {};
	socklen_t size = sizeof(statistics);
	const long result = getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &size);
	const int error = errno;
	return Result(env, result < 0 ? -1 : static_cast<long>(statistics.tp_drops), error);
}

}  // namespace skep
