// What the addon keeps for one JavaScript environment: which file descriptors it opened, of what
// kind, and the facts about them that the checks of a call need. Closed with the environment.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "resources.h"

namespace skep {

enum class FdKind : uint8_t { kNone, kOther, kMap, kProgram, kLink, kBtf };

// Sizes that the kernel reads and writes for one element of a map.
struct MapShape {
	uint32_t key_size = 0;
	// Bytes of a value as user space exchanges it: 8-byte stride × possible CPUs for per-CPU maps,
	// 4 for maps of file descriptors.
	uint64_t value_size = 0;
};

struct OwnedFd {
	FdKind kind = FdKind::kNone;
	bool known = false;
	// The kernel's number for the type of map, program or link, and the sizes of a map.
	uint32_t type = 0;
	MapShape shape;
	uint32_t max_entries = 0;
};

// Used on the environment's own thread only. Calls on the thread pool hold a reference, so that it
// outlives the environment where it must.
class EnvState : public std::enable_shared_from_this<EnvState> {
public:
	EnvState();
	~EnvState();
	EnvState(const EnvState&) = delete;
	EnvState& operator=(const EnvState&) = delete;

	// Makes the state of an environment, once, at its start.
	static bool Attach(napi_env env);
	static EnvState& Of(napi_env env);

	void Own(int fd, FdKind kind);
	// The kind of an owned descriptor; false when this environment does not own `fd`.
	bool KindOf(int fd, FdKind* kind);
	// Sizes of an owned map; false when `fd` is not one, or the kernel does not tell.
	bool ShapeOf(int fd, MapShape* shape);
	// Whether `fd` is a map that this environment owns.
	bool IsMap(int fd);
	// The type of an owned map, program or link; false when `fd` is none, or the kernel does not
	// tell.
	bool TypeOf(int fd, uint32_t* type);
	// How many elements an owned map has at most: bytes for a ring buffer.
	bool EntriesOf(int fd, uint32_t* entries);
	// 0, or -EBADF when `fd` is not owned: a second close never hits a descriptor of someone else.
	int Close(int fd);
	uint32_t possible_cpus() const { return possible_cpus_; }
	Resources& resources() { return resources_; }

private:
	OwnedFd* Find(int fd);
	bool Learn(int fd, OwnedFd* owned);

	// Indexed by descriptor.
	std::vector<OwnedFd> fds_;
	Resources resources_;
	uint32_t possible_cpus_ = 0;
};

}  // namespace skep
