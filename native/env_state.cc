#include "env_state.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace skep {
namespace {

// Types of map whose values are one per possible CPU: percpu_hash, percpu_array, lru_percpu_hash,
// percpu_cgroup_storage.
constexpr uint32_t kPerCpuTypes[] = {5, 6, 10, 21};
// Types whose values are descriptors of 4 bytes, whatever the map says: prog_array,
// perf_event_array, cgroup_array, array_of_maps, hash_of_maps.
constexpr uint32_t kFdTypes[] = {3, 4, 8, 12, 13};
// The newest map type whose value layout is known here; a newer one might be per-CPU.
constexpr uint32_t kLastKnownType = 34;

template <size_t N>
bool Contains(const uint32_t (&list)[N], uint32_t type) {
	for (const uint32_t candidate : list)
		if (candidate == type) return true;
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

// False when the sizes cannot be told.
bool ShapeFromInfo(uint32_t type, uint32_t key, uint32_t value, uint32_t cpus, MapShape* shape) {
	*shape = MapShape{key, value};
	if (Contains(kFdTypes, type)) shape->value_size = sizeof(uint32_t);
	if (Contains(kPerCpuTypes, type) || type > kLastKnownType) {
		shape->value_size = (uint64_t{value} + 7) / 8 * 8 * cpus;
		return cpus != 0;
	}
	return true;
}

}  // namespace

EnvState::EnvState() : possible_cpus_(CountPossibleCpus()) {}

EnvState::~EnvState() {
	for (size_t fd = 0; fd < fds_.size(); fd++)
		if (fds_[fd].kind != FdKind::kNone) close(static_cast<int>(fd));
}

bool EnvState::Attach(napi_env env) {
	using Holder = std::shared_ptr<EnvState>;
	auto holder = std::make_unique<Holder>(std::make_shared<EnvState>());
	const auto release = [](napi_env, void* data, void*) { delete static_cast<Holder*>(data); };
	if (napi_set_instance_data(env, holder.get(), release, nullptr) != napi_ok) return false;
	static_cast<void>(holder.release());
	return true;
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
	fds_[index] = OwnedFd{kind, false, 0, {}, 0};
}

bool EnvState::KindOf(int fd, FdKind* kind) {
	const OwnedFd* owned = Find(fd);
	if (owned == nullptr) return false;
	*kind = owned->kind;
	return true;
}

// Asks the kernel once: neither type nor sizes of an object ever change.
bool EnvState::Learn(int fd, OwnedFd* owned) {
	if (owned->known) return true;
	// The head of struct bpf_map_info: type, id, key_size, value_size, max_entries. Programs and links
	// begin with their type, too.
	uint32_t info[5] = {};
	struct {
		uint32_t fd;
		uint32_t length;
		uint64_t info;
	} attr = {static_cast<uint32_t>(fd), sizeof(info), reinterpret_cast<uint64_t>(info)};
	if (syscall(__NR_bpf, 15 /* BPF_OBJ_GET_INFO_BY_FD */, &attr, sizeof(attr)) < 0) return false;
	owned->type = info[0];
	owned->max_entries = info[4];
	owned->known = owned->kind != FdKind::kMap ||
	               ShapeFromInfo(info[0], info[2], info[3], possible_cpus_, &owned->shape);
	return owned->known;
}

bool EnvState::ShapeOf(int fd, MapShape* shape) {
	OwnedFd* owned = Find(fd);
	if (owned == nullptr || owned->kind != FdKind::kMap || !Learn(fd, owned)) return false;
	*shape = owned->shape;
	return true;
}

bool EnvState::EntriesOf(int fd, uint32_t* entries) {
	OwnedFd* owned = Find(fd);
	if (owned == nullptr || owned->kind != FdKind::kMap || !Learn(fd, owned)) return false;
	*entries = owned->max_entries;
	return true;
}

bool EnvState::IsMap(int fd) {
	const OwnedFd* owned = Find(fd);
	return owned != nullptr && owned->kind == FdKind::kMap;
}

bool EnvState::TypeOf(int fd, uint32_t* type) {
	OwnedFd* owned = Find(fd);
	if (owned == nullptr || owned->kind == FdKind::kOther || owned->kind == FdKind::kBtf ||
	    !Learn(fd, owned))
		return false;
	*type = owned->type;
	return true;
}

int EnvState::Close(int fd) {
	OwnedFd* owned = Find(fd);
	if (owned == nullptr) return -EBADF;
	*owned = OwnedFd{};
	return close(fd) < 0 ? -errno : 0;
}

}  // namespace skep
