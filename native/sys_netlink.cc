// Moves rtnetlink messages between JavaScript and the kernel, here or in another network namespace.

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
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

// How many of these whole messages there are for which `counts` says true; -1 when they do not end
// where the bytes do.
template <typename Counts>
long CountMessages(const uint8_t* data, size_t size, Counts counts) {
	long count = 0;
	while (size >= sizeof(nlmsghdr)) {
		nlmsghdr header;
		std::memcpy(&header, data, sizeof(header));
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > size) return -1;
		if (counts(header)) count++;
		// The last need not be padded.
		const size_t step = std::min(size, static_cast<size_t>(NLMSG_ALIGN(header.nlmsg_len)));
		data += step;
		size -= step;
	}
	return size == 0 ? count : -1;
}

bool EndsAnswer(const nlmsghdr& header) {
	return header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR;
}

// Sends requests and gathers their answers; -1 with errno when a call fails.
long Exchange(const std::vector<uint8_t>& request, long answers, std::vector<uint8_t>* reply) {
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
		if (received == 0) return 0;
		answers -= std::max(0L, CountMessages(reply->data() + start, static_cast<size_t>(received), EndsAnswer));
		if (answers <= 0) return 0;
	}
}

}  // namespace

// netlink(request, netns) -> Uint8Array | -errno
//
// All messages up to the one that ends the last answer (NLMSG_ERROR, NLMSG_DONE), as they came. The
// request is one or more messages of which each asks for an acknowledgement, or one that asks for a
// dump. The kernel goes on after one that it refuses.
napi_value Netlink(napi_env env, napi_callback_info info) {
	ByteSpan bytes;
	int netns = -1;
	if (!Args(env, info).Bytes("request", &bytes).OptionalFd("netns", &netns).Ok()) return nullptr;
	const long requests = CountMessages(bytes.data, bytes.size, [](const nlmsghdr& header) {
		return header.nlmsg_len % NLMSG_ALIGNTO == 0;
	});
	if (requests <= 0) return ThrowRange(env, "request: its header says another length");

	const std::vector<uint8_t> request(bytes.data, bytes.data + bytes.size);
	std::vector<uint8_t> reply;
	int error = 0;
	const long result = InNetns(netns, &error, [&] { return Exchange(request, requests, &reply); });
	if (result < 0) return Result(env, result, error);

	napi_value out = nullptr;
	napi_create_buffer_copy(env, reply.size(), reply.data(), nullptr, &out);
	return out;
}

}  // namespace skep
