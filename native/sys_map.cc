// The map commands of the hot path: no attr from JavaScript, no allocation, no exception for a miss.

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "attr_layout.h"
#include "sys.h"

namespace skep {
namespace {

struct ElementAttr {
	uint32_t map_fd = 0;
	uint32_t pad = 0;
	uint64_t key = 0;
	uint64_t value = 0;
	uint64_t flags = 0;
};

std::string TooShort(const char* what, const ByteSpan& bytes, uint64_t required) {
	return std::string(what) + ": " + std::to_string(bytes.size) + " bytes, the kernel uses " +
	       std::to_string(required);
}

// What a map command does with its second buffer.
enum class Second { kNone, kValue, kNextKey };

// One element command: (fd, key | null, second buffer, flags) -> 0 | -errno. A null key is for maps
// without keys, and for the start of a walk.
template <Command command, Second second>
napi_value ElementCall(napi_env env, napi_callback_info info) {
	// Those that are missing read as undefined.
	napi_value args[4];
	size_t count = 4;
	if (napi_get_cb_info(env, info, &count, args, nullptr, nullptr) != napi_ok) return nullptr;

	ByteSpan key;
	ByteSpan value;
	uint32_t flags = 0;
	int fd = -1;
	if (!ReadWhole(env, args[0], 0, INT32_MAX, &fd))
		return ThrowType(env, "fd: expected a file descriptor");
	const bool keyed = ReadBytes(env, args[1], &key);
	if (!keyed && !IsNullish(env, args[1]))
		return ThrowType(env, "key: expected a Uint8Array or null");
	if (second != Second::kNone && !ReadBytes(env, args[2], &value))
		return ThrowType(env, "value: expected a Uint8Array");
	if (second == Second::kValue && !ReadWhole(env, args[3], 0, UINT32_MAX, &flags))
		return ThrowType(env, "flags: expected a whole number of 32 bits");

	MapShape shape;
	if (!EnvState::Of(env).ShapeOf(fd, &shape))
		return ThrowRange(env, "fd " + std::to_string(fd) + " is not a map opened here");
	if (keyed && key.size < shape.key_size)
		return ThrowRange(env, TooShort("key", key, shape.key_size));
	const uint64_t required = second == Second::kValue     ? shape.value_size
	                          : second == Second::kNextKey ? shape.key_size
	                                                       : 0;
	if (value.size < required) return ThrowRange(env, TooShort("value", value, required));

	ElementAttr attr;
	attr.map_fd = static_cast<uint32_t>(fd);
	attr.key = reinterpret_cast<uint64_t>(key.data);
	attr.value = reinterpret_cast<uint64_t>(value.data);
	attr.flags = flags;
	const long result = syscall(__NR_bpf, command, &attr, sizeof(attr));
	const int error = errno;
	napi_value out = nullptr;
	napi_create_int32(env, result < 0 ? -error : static_cast<int32_t>(result), &out);
	return out;
}

}  // namespace

// mapLookup(fd, key | null, value, flags) -> 0 | -errno
//
// Reads one element into `value`: for per-CPU maps an 8-byte stride × possible CPUs.
napi_value MapLookup(napi_env env, napi_callback_info info) {
	return ElementCall<kMapLookupElem, Second::kValue>(env, info);
}

// mapUpdate(fd, key | null, value, flags) -> 0 | -errno
napi_value MapUpdate(napi_env env, napi_callback_info info) {
	return ElementCall<kMapUpdateElem, Second::kValue>(env, info);
}

// mapDelete(fd, key) -> 0 | -errno
napi_value MapDelete(napi_env env, napi_callback_info info) {
	return ElementCall<kMapDeleteElem, Second::kNone>(env, info);
}

// mapNextKey(fd, key | null, next) -> 0 | -errno
//
// The key after `key`, or the first one, into `next`; -ENOENT after the last.
napi_value MapNextKey(napi_env env, napi_callback_info info) {
	return ElementCall<kMapGetNextKey, Second::kNextKey>(env, info);
}

}  // namespace skep
