// Memory of array maps. JavaScript copies from it and to it: no write can meet a read-only page, and
// nothing is left to reach once it is unmapped.

#include <cstring>

#include "args.h"
#include "env_state.h"
#include "mapped.h"
#include "sys.h"

namespace skep {
namespace {

struct Memory : Resource {
	static constexpr ResourceKind kKind = ResourceKind::kMemory;
	Memory() : Resource(kKind) {}

	Mapped mapped;
	bool writable = false;
};

// Programs read and write the same words meanwhile: those of a word's size and place are copied at
// once, so that nobody sees half of one.
template <typename Word>
void CopyWord(uint8_t* to, const uint8_t* from) {
	const Word word = __atomic_load_n(reinterpret_cast<const Word*>(from), __ATOMIC_RELAXED);
	__atomic_store_n(reinterpret_cast<Word*>(to), word, __ATOMIC_RELAXED);
}

bool IsAligned(const void* a, const void* b, size_t size) {
	return ((reinterpret_cast<uintptr_t>(a) | reinterpret_cast<uintptr_t>(b)) & (size - 1)) == 0;
}

void Copy(uint8_t* to, const uint8_t* from, size_t size) {
	const bool aligned = (size & (size - 1)) == 0 && IsAligned(to, from, size);
	if (aligned && size == 8) return CopyWord<uint64_t>(to, from);
	if (aligned && size == 4) return CopyWord<uint32_t>(to, from);
	if (aligned && size == 2) return CopyWord<uint16_t>(to, from);
	if (size != 0) std::memcpy(to, from, size);
}

// The arguments of both directions, checked; null leaves an exception pending.
Memory* ReadCopy(napi_env env, napi_callback_info info, double* offset, ByteSpan* bytes) {
	uint32_t number = 0;
	if (!Args(env, info).Uint32("memory", &number).Size("offset", offset).Bytes("bytes", bytes).Ok())
		return nullptr;
	Memory* memory = EnvState::Of(env).resources().Find<Memory>(number);
	if (memory == nullptr) {
		ThrowRange(env, "memory " + std::to_string(number) + " is not mapped here");
		return nullptr;
	}
	const size_t size = memory->mapped.size();
	if (bytes->size > size || *offset > static_cast<double>(size - bytes->size)) {
		ThrowRange(env, "memory has " + std::to_string(size) + " bytes, not " + std::to_string(bytes->size) + " at " + std::to_string(static_cast<uint64_t>(*offset)));
		return nullptr;
	}
	return memory;
}

}  // namespace

// memoryMap(fd, offset, size, writable) -> number | -errno
//
// Maps `size` bytes of an array map's values, from `offset` on, a multiple of a page; the number is
// for the functions below.
napi_value MemoryMap(napi_env env, napi_callback_info info) {
	int fd = -1;
	double offset = 0;
	double size = 0;
	uint32_t writable = 0;
	if (!Args(env, info).Fd(&fd).Size("offset", &offset).Size("size", &size).Uint32("writable", &writable).Ok())
		return nullptr;
	EnvState& state = EnvState::Of(env);
	uint32_t type = 0;
	if (!state.IsMap(fd) || !state.TypeOf(fd, &type))
		return ThrowRange(env, "fd " + std::to_string(fd) + " is not a map opened here");
	// Others have memory of another kind: an arena's pages come and go.
	constexpr uint32_t kArray = 2;
	if (type != kArray) return Number(env, -ENOTSUP);

	auto memory = std::make_unique<Memory>();
	memory->writable = writable != 0;
	const int error = memory->mapped.Map(
		fd, static_cast<size_t>(offset), static_cast<size_t>(size), memory->writable
	);
	if (error != 0) return Number(env, -error);
	return Number(env, state.resources().Add(std::move(memory)));
}

// memoryRead(memory, offset, bytes) -> 0
napi_value MemoryRead(napi_env env, napi_callback_info info) {
	double offset = 0;
	ByteSpan bytes;
	const Memory* memory = ReadCopy(env, info, &offset, &bytes);
	if (memory == nullptr) return nullptr;
	Copy(bytes.data, memory->mapped.data() + static_cast<size_t>(offset), bytes.size);
	return Number(env, 0);
}

// memoryWrite(memory, offset, bytes) -> 0 | -EACCES
napi_value MemoryWrite(napi_env env, napi_callback_info info) {
	double offset = 0;
	ByteSpan bytes;
	const Memory* memory = ReadCopy(env, info, &offset, &bytes);
	if (memory == nullptr) return nullptr;
	if (!memory->writable) return Number(env, -EACCES);
	Copy(memory->mapped.data() + static_cast<size_t>(offset), bytes.data, bytes.size);
	return Number(env, 0);
}

// releaseMemory(number) -> 0 | -EBADF
//
// Unmaps memory or a ring.
napi_value ReleaseMemory(napi_env env, napi_callback_info info) {
	uint32_t number = 0;
	if (!Args(env, info).Uint32("memory", &number).Ok()) return nullptr;
	return Number(env, EnvState::Of(env).resources().Release(number) ? 0 : -EBADF);
}

}  // namespace skep
