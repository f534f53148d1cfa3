// Which XDP programs an interface runs, whoever attached them: only rtnetlink tells.

#include <linux/if_link.h>
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

struct XdpState {
	uint32_t mode = 0;
	uint32_t ids[4] = {};  // of the mode in use, native, generic, offloaded
};

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

// Calls `visit(type, data, size)` for each attribute of a block; stops at one that is cut off.
template <typename Visit>
void EachAttribute(const uint8_t* data, size_t size, Visit visit) {
	while (size >= NLA_HDRLEN) {
		nlattr attribute;
		std::memcpy(&attribute, data, sizeof(attribute));
		if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > size) return;
		visit(attribute.nla_type & NLA_TYPE_MASK, data + NLA_HDRLEN, attribute.nla_len - NLA_HDRLEN);
		const size_t step = NLA_ALIGN(attribute.nla_len);
		if (step >= size) return;
		data += step;
		size -= step;
	}
}

void ReadXdp(const uint8_t* data, size_t size, XdpState* state) {
	EachAttribute(data, size, [&](int type, const uint8_t* value, size_t length) {
		if (type == IFLA_XDP_ATTACHED && length >= 1) state->mode = value[0];
		const int index = type - IFLA_XDP_PROG_ID;
		if (index >= 0 && index < 4 && length >= 4) std::memcpy(&state->ids[index], value, 4);
	});
}

// Asks for one interface; -1 with errno when the kernel refuses.
long Query(uint32_t ifindex, XdpState* state) {
	const Socket socket;
	sockaddr_nl kernel = {};
	kernel.nl_family = AF_NETLINK;
	// Connected to the kernel, the socket takes messages from nobody else.
	if (socket.fd() < 0 || connect(socket.fd(), reinterpret_cast<sockaddr*>(&kernel), sizeof(kernel)) < 0)
		return -1;
	struct {
		nlmsghdr header;
		ifinfomsg link;
	} request = {};
	request.header.nlmsg_len = sizeof(request);
	request.header.nlmsg_type = RTM_GETLINK;
	request.header.nlmsg_flags = NLM_F_REQUEST;
	request.link.ifi_index = static_cast<int>(ifindex);
	if (send(socket.fd(), &request, sizeof(request), 0) < 0) return -1;

	std::vector<uint8_t> reply(32768);
	const ssize_t received = recv(socket.fd(), reply.data(), reply.size(), 0);
	if (received < 0) return -1;
	const size_t size = static_cast<size_t>(received);
	nlmsghdr header;
	if (size < sizeof(header)) return errno = EBADMSG, -1;
	std::memcpy(&header, reply.data(), sizeof(header));
	if (header.nlmsg_type == NLMSG_ERROR && size >= sizeof(header) + sizeof(int)) {
		int error = 0;
		std::memcpy(&error, reply.data() + sizeof(header), sizeof(error));
		return errno = -error, -1;
	}

	const size_t start = NLMSG_LENGTH(sizeof(ifinfomsg));
	if (header.nlmsg_type != RTM_NEWLINK || header.nlmsg_len > size || header.nlmsg_len < start)
		return errno = EBADMSG, -1;
	EachAttribute(reply.data() + start, header.nlmsg_len - start, [&](int type, const uint8_t* value, size_t length) {
		if (type == IFLA_XDP) ReadXdp(value, length, state);
	});
	return 0;
}

}  // namespace

// interfaceXdp(ifindex, netns) -> [mode, id, native id, generic id, offloaded id] | -errno
//
// `mode` is XDP_ATTACHED_*; ids are 0 where no program runs.
napi_value InterfaceXdp(napi_env env, napi_callback_info info) {
	uint32_t ifindex = 0;
	int netns = -1;
	if (!Args(env, info).Uint32("ifindex", &ifindex).OptionalFd("netns", &netns).Ok()) return nullptr;
	XdpState state;
	int error = 0;
	const long result = InNetns(netns, &error, [&] { return Query(ifindex, &state); });
	if (result < 0) return Result(env, result, error);

	napi_value out = nullptr;
	napi_create_array_with_length(env, 5, &out);
	napi_set_element(env, out, 0, Number(env, state.mode));
	for (uint32_t i = 0; i < 4; i++) napi_set_element(env, out, i + 1, Number(env, state.ids[i]));
	return out;
}

}  // namespace skep
