#include "env_state.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace skep {
namespace {

constexpr int kPerCpuTypes[] = {5, 6, 10, 21};
constexpr int kFdTypes[] = {3, 4, 7, 12, 13};
// The newest map type whose value layout is known here; a newer one might be per-CPU.
constexpr uint32_t kLastKnownType = 34;

template <size_t N>
bool Contains(const int (&list)[N], uint32_t type) {
	for (const int candidate : list)
		if (static_cast<uint32_t>(candidate) == type) return true;
	return false;
}

// Counts the CPUs of a list like "0-3,8"; holes are not counted, as the kernel does it. 0 when
// unreadable.
uint32_t CountPossibleCpus() {
	const int fd = open("/sys/devices/system/cpu/possible", O_RDONLY | O_CLOEXEC);
	if (fd < 0) return 0;
	char text[4096];
	const ssize_t length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0) return 0;
	text[length] = '\0';

	uint32_t count = 0;
	for (const char* at = text; *at >= '0' && *at <= '9';) {
		char* end = nullptr;
		const unsigned long first = std::strtoul(at, &end, 10);
		unsigned long last = first;
		if (*end == '-') last = std::strtoul(end + 1, &end, 10);
		count += static_cast<uint32_t>(last - first + 1);
		at = *end == ',' ? end + 1 : end;
	}
	return count;
}

MapShape ShapeFromInfo(uint32_t type, uint32_t key, uint32_t value, uint32_t cpus) {
	const uint64_t stride = (uint64_t{value} + 7) / 8 * 8;
	MapShape shape{key, value};
	if (Contains(kFdTypes, type)) shape.value_size = sizeof(uint32_t);
	if (Contains(kPerCpuTypes, type) || type > kLastKnownType) shape.value_size = stride * cpus;
	return shape;
}

}  // namespace

EnvState::EnvState() : possible_cpus_(CountPossibleCpus()) {}

EnvState::~EnvState() {
	for (size_t fd = 0; fd < fds_.size(); fd++)
		if (fds_[fd].kind != FdKind::kNone) close(static_cast<int>(fd));
}

EnvState& EnvState::Of(napi_env env) {
	void* data = nullptr;
	napi_get_instance_data(env, &data);
	return **static_cast<std::shared_ptr<EnvState>*>(data);
}

OwnedFd* EnvState::Find(int fd) {
	if (fd < 0 || static_cast<size_t>(fd) >= fds_.size()) return nullptr;
	OwnedFd& owned = fds_[static_cast<size_t>(fd)];
	return owned.kind == FdKind::kNone ? nullptr : &owned;
}

void EnvState::Own(int fd, FdKind kind) {
	const size_t index = static_cast<size_t>(fd);
	if (index >= fds_.size()) fds_.resize(index + 64);
	fds_[index] = OwnedFd{kind, false, {}};
}

bool EnvState::KindOf(int fd, FdKind* kind) {
	const OwnedFd* owned = Find(fd);
	if (owned == nullptr) return false;
	*kind = owned->kind;
	return true;
}

bool EnvState::ShapeOf(int fd, MapShape* shape) {
	OwnedFd* owned = Find(fd);
	if (owned == nullptr || owned->kind != FdKind::kMap || possible_cpus_ == 0) return false;
	if (!owned->shape_known) {
		// The head of struct bpf_map_info: type, id, key_size, value_size.
		uint32_t info[4] = {};
		struct {
			uint32_t fd;
			uint32_t length;
			uint64_t info;
		} attr = {static_cast<uint32_t>(fd), sizeof(info), reinterpret_cast<uint64_t>(info)};
		if (syscall(__NR_bpf, 15 /* BPF_OBJ_GET_INFO_BY_FD */, &attr, sizeof(attr)) < 0) return false;
		owned->shape = ShapeFromInfo(info[0], info[2], info[3], possible_cpus_);
		owned->shape_known = true;
	}
	*shape = owned->shape;
	return true;
}

int EnvState::Close(int fd) {
	OwnedFd* owned = Find(fd);
	if (owned == nullptr) return -EBADF;
	*owned = OwnedFd{};
	return close(fd) < 0 ? -errno : 0;
}

}  // namespace skep
