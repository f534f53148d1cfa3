// Moves rtnetlink messages between JavaScript and the kernel, here or in another network namespace.

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "args.h"
#include "netns.h"
#include "sys.h"

namespace skep {
namespace {

// More than any kernel tells at once; what would be longer is refused rather than cut off.
constexpr size_t kMaxReply = 64 << 20;

class Socket {
public:
	Socket() : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {}
	~Socket() {
		if (fd_ >= 0) close(fd_);
	}
	Socket(const Socket&) = delete;
	Socket& operator=(const Socket&) = delete;
	int fd() const { return fd_; }

private:
	int fd_;
};

bool Open(const Socket& socket) {
	sockaddr_nl kernel = {};
	kernel.nl_family = AF_NETLINK;
	// Connected to the kernel, the socket takes messages from nobody else.
	if (socket.fd() < 0 || connect(socket.fd(), reinterpret_cast<sockaddr*>(&kernel), sizeof(kernel)) < 0)
		return false;
	// Older kernels have not all of these, and answer without.
	const int on = 1;
	for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK})
		setsockopt(socket.fd(), SOL_NETLINK, option, &on, sizeof(on));
	return true;
}

// True when the last of these whole messages ends the answer.
bool IsLast(const uint8_t* data, size_t size) {
	while (size >= sizeof(nlmsghdr)) {
		nlmsghdr header;
		std::memcpy(&header, data, sizeof(header));
		if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) return true;
		const size_t step = NLMSG_ALIGN(header.nlmsg_len);
		if (header.nlmsg_len < sizeof(header) || step > size) return false;
		data += step;
		size -= step;
	}
	return false;
}

// Sends one request and gathers the answer; -1 with errno when a call fails.
long Exchange(const std::vector<uint8_t>& request, std::vector<uint8_t>* reply) {
	const Socket socket;
	if (!Open(socket) || send(socket.fd(), request.data(), request.size(), 0) < 0) return -1;
	for (;;) {
		// The kernel answers before send or the recv before returns, so nothing ever waits here: a
		// request that has no answer is EAGAIN.
		const ssize_t waiting = recv(socket.fd(), nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
		if (waiting < 0) return -1;
		const size_t start = reply->size();
		const size_t size = static_cast<size_t>(waiting);
		if (start + size > kMaxReply) return errno = EMSGSIZE, -1;
		reply->resize(start + size);
		const ssize_t received = recv(socket.fd(), reply->data() + start, size, MSG_DONTWAIT);
		if (received < 0) return -1;
		reply->resize(start + static_cast<size_t>(received));
		if (received == 0 || IsLast(reply->data() + start, static_cast<size_t>(received))) return 0;
	}
}

}  // namespace

// netlink(request, netns) -> Uint8Array | -errno
//
// All messages up to the one that ends the answer (NLMSG_ERROR, NLMSG_DONE), as they came. The
// request is one message that asks for an acknowledgement or a dump.
napi_value Netlink(napi_env env, napi_callback_info info) {
	ByteSpan bytes;
	int netns = -1;
	if (!Args(env, info).Bytes("request", &bytes).OptionalFd("netns", &netns).Ok()) return nullptr;
	nlmsghdr header = {};
	if (bytes.size >= sizeof(header)) std::memcpy(&header, bytes.data, sizeof(header));
	if (bytes.size < sizeof(header) || header.nlmsg_len != bytes.size)
		return ThrowRange(env, "request: its header says another length");

	const std::vector<uint8_t> request(bytes.data, bytes.data + bytes.size);
	std::vector<uint8_t> reply;
	int error = 0;
	const long result = InNetns(netns, &error, [&] { return Exchange(request, &reply); });
	if (result < 0) return Result(env, result, error);

	napi_value out = nullptr;
	napi_create_buffer_copy(env, reply.size(), reply.data(), nullptr, &out);
	return out;
}

}  // namespace skep
