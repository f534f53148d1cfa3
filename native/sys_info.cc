// BPF_OBJ_GET_INFO_BY_FD: what the kernel knows about a program, map, link or BTF.

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "attr_layout.h"
#include "sys.h"

namespace skep {
namespace {

constexpr uint32_t kAnyType = UINT32_MAX;
constexpr uint32_t kRawTracepointLink = 1;
constexpr uint32_t kIteratorLink = 4;
constexpr uint32_t kPerfEventLink = 7;
constexpr uint32_t kKprobeMultiLink = 8;
constexpr uint32_t kUprobeMultiLink = 12;

// An array that the info struct points to: where its address and its length stand, and what the
// length counts.
struct NestedArray {
	FdKind kind;
	// Links of each type have their own layout.
	uint32_t type;
	uint32_t address;
	uint32_t length;
	uint32_t unit;
	// Where the caller says how long a record is; 0: the unit is fixed.
	uint32_t record_size;
};

constexpr NestedArray kNestedArrays[] = {
	{FdKind::kProgram, kAnyType, 24, 16, 1, 0},       // jited_prog_insns
	{FdKind::kProgram, kAnyType, 32, 20, 1, 0},       // xlated_prog_insns
	{FdKind::kProgram, kAnyType, 56, 52, 4, 0},       // map_ids
	{FdKind::kProgram, kAnyType, 112, 104, 8, 0},     // jited_ksyms
	{FdKind::kProgram, kAnyType, 120, 108, 4, 0},     // jited_func_lens
	{FdKind::kProgram, kAnyType, 136, 144, 8, 132},   // func_info
	{FdKind::kProgram, kAnyType, 152, 148, 16, 172},  // line_info
	{FdKind::kProgram, kAnyType, 160, 168, 8, 176},   // jited_line_info
	{FdKind::kProgram, kAnyType, 184, 180, 8, 0},     // prog_tags
	{FdKind::kBtf, kAnyType, 0, 8, 1, 0},             // btf
	{FdKind::kBtf, kAnyType, 16, 24, 1, 0},           // name
	{FdKind::kLink, kRawTracepointLink, 16, 24, 1, 0},
	{FdKind::kLink, kIteratorLink, 16, 24, 1, 0},
	{FdKind::kLink, kPerfEventLink, 24, 32, 1, 0},    // the probe's file, function or tracepoint
	{FdKind::kLink, kKprobeMultiLink, 16, 24, 8, 0},  // addrs
	{FdKind::kLink, kKprobeMultiLink, 40, 24, 8, 0},  // cookies
	{FdKind::kLink, kUprobeMultiLink, 16, 48, 1, 0},  // path
	{FdKind::kLink, kUprobeMultiLink, 24, 52, 8, 0},  // offsets
	{FdKind::kLink, kUprobeMultiLink, 32, 52, 8, 0},  // ref_ctr_offsets
	{FdKind::kLink, kUprobeMultiLink, 40, 52, 8, 0},  // cookies
};

constexpr size_t kInfoCapacity = 512;

template <typename T>
void Store(uint8_t* info, uint32_t offset, T value) {
	std::memcpy(info + offset, &value, sizeof(value));
}

const NestedArray* FindArray(FdKind kind, uint32_t type, uint32_t address) {
	for (const NestedArray& array : kNestedArrays)
		if (array.kind == kind && array.address == address && (array.type == kAnyType || array.type == type))
			return &array;
	return nullptr;
}

// Writes addresses and lengths of the arrays; empty when all of them lie inside of `info`.
std::string Nest(
	FdKind kind, uint32_t type, const std::vector<PointerArg>& pointers, uint8_t* info, size_t info_size
) {
	for (const PointerArg& pointer : pointers) {
		const NestedArray* found = FindArray(kind, type, pointer.offset);
		if (found == nullptr || found->address + 8 > info_size || found->length + 4 > info_size ||
		    found->record_size + 4 > info_size)
			return "info: no array at " + std::to_string(pointer.offset);
		const size_t count = std::min<size_t>(pointer.bytes.size / found->unit, UINT32_MAX);
		const uint64_t address = count == 0 ? 0 : reinterpret_cast<uint64_t>(pointer.bytes.data);
		Store<uint64_t>(info, found->address, address);
		Store<uint32_t>(info, found->length, static_cast<uint32_t>(count));
		if (found->record_size != 0) Store<uint32_t>(info, found->record_size, found->unit);
	}
	return {};
}

// The kernel clears the address of an array that it keeps to itself.
void HideAddress(uint8_t* info, const PointerArg& pointer) {
	uint64_t address = 0;
	std::memcpy(&address, info + pointer.offset, sizeof(address));
	Store<uint64_t>(info, pointer.offset, address == 0 ? 0 : 1);
}

}  // namespace

// objectInfo(fd, info, pointers) -> number
//
// Fills `info` with the kernel's info struct for this kind of object and returns how many bytes of
// it the kernel knows, or -errno. `pointers` is [offset, Uint8Array, ...] of arrays to fetch along:
// the counts in `info` then say how many there were, and in place of the address stands 1, or 0
// where the kernel keeps the array to itself. `info` is input to nothing: it is cleared.
napi_value ObjectInfo(napi_env env, napi_callback_info info) {
	int fd = -1;
	napi_value out_value = nullptr;
	napi_value list = nullptr;
	if (!Args(env, info).Fd(&fd).Later(&out_value).Array("pointers", &list).Ok()) return nullptr;
	std::vector<PointerArg> pointers;
	ByteSpan out;
	if (!ReadPointers(env, list, &pointers)) return nullptr;
	if (!ReadBytes(env, out_value, &out)) return ThrowType(env, "info: expected a Uint8Array");

	EnvState& state = EnvState::Of(env);
	FdKind kind = FdKind::kOther;
	uint32_t type = kAnyType;
	if (!state.KindOf(fd, &kind))
		return ThrowRange(env, "fd " + std::to_string(fd) + " was not opened here");
	if (out.size > kInfoCapacity) return ThrowRange(env, "info: longer than any info struct");
	if (kind == FdKind::kLink && !pointers.empty() && !state.TypeOf(fd, &type))
		return ThrowRange(env, "info: the type of this link is unknown");

	alignas(8) uint8_t image[kInfoCapacity] = {};
	const std::string wrong = Nest(kind, type, pointers, image, out.size);
	if (!wrong.empty()) return ThrowRange(env, wrong);

	struct {
		uint32_t fd;
		uint32_t length;
		uint64_t info;
	} attr = {static_cast<uint32_t>(fd), static_cast<uint32_t>(out.size), reinterpret_cast<uint64_t>(image)};
	const long result = syscall(__NR_bpf, kObjGetInfoByFd, &attr, sizeof(attr));
	const int error = errno;

	for (const PointerArg& pointer : pointers) HideAddress(image, pointer);
	if (out.size > 0) std::memcpy(out.data, image, out.size);
	return Result(env, result < 0 ? result : static_cast<long>(attr.length), error);
}

}  // namespace skep
