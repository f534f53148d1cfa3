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

// An array that the info struct points to: where its address and its length stand, and what the
// length counts.
struct NestedArray {
	FdKind kind;
	uint32_t address;
	uint32_t length;
	uint32_t unit;
	// Where the caller says how long a record is; 0: the unit is fixed.
	uint32_t record_size;
};

constexpr NestedArray kNestedArrays[] = {
	{FdKind::kProgram, 24, 16, 1, 0},       // jited_prog_insns
	{FdKind::kProgram, 32, 20, 1, 0},       // xlated_prog_insns
	{FdKind::kProgram, 56, 52, 4, 0},       // map_ids
	{FdKind::kProgram, 112, 104, 8, 0},     // jited_ksyms
	{FdKind::kProgram, 120, 108, 4, 0},     // jited_func_lens
	{FdKind::kProgram, 136, 144, 8, 132},   // func_info
	{FdKind::kProgram, 152, 148, 16, 172},  // line_info
	{FdKind::kProgram, 160, 168, 8, 176},   // jited_line_info
	{FdKind::kProgram, 184, 180, 8, 0},     // prog_tags
	{FdKind::kBtf, 0, 8, 1, 0},             // btf
	{FdKind::kBtf, 16, 24, 1, 0},           // name
	// Names of raw tracepoints and iterators. Other links count 8-byte records in the same place;
	// the larger unit keeps the kernel inside the buffer whatever the link is.
	{FdKind::kLink, 16, 24, 16, 0},
};

constexpr size_t kInfoCapacity = 512;

template <typename T>
void Store(uint8_t* info, uint32_t offset, T value) {
	std::memcpy(info + offset, &value, sizeof(value));
}

std::string Nest(
	FdKind kind, const std::vector<PointerArg>& pointers, uint8_t* info, size_t info_size
) {
	for (const PointerArg& pointer : pointers) {
		const NestedArray* found = nullptr;
		for (const NestedArray& array : kNestedArrays)
			if (array.kind == kind && array.address == pointer.offset) found = &array;
		if (found == nullptr || found->address + 8 > info_size || found->length + 4 > info_size ||
		    found->record_size + 4 > info_size)
			return "info: no array at " + std::to_string(pointer.offset);
		Store<uint64_t>(info, found->address, reinterpret_cast<uint64_t>(pointer.bytes.data));
		Store<uint32_t>(info, found->length, static_cast<uint32_t>(pointer.bytes.size / found->unit));
		if (found->record_size != 0) Store<uint32_t>(info, found->record_size, found->unit);
	}
	return {};
}

}  // namespace

// objectInfo(fd, info, pointers) -> number
//
// Fills `info` with the kernel's info struct for this kind of object and returns how many bytes of
// it the kernel knows, or -errno. `pointers` is [offset, Uint8Array, ...] of arrays to fetch along;
// the counts in `info` then say how many there were. `info` is input to nothing: it is cleared.
Napi::Value ObjectInfo(const Napi::CallbackInfo& info) {
	const Napi::Env env = info.Env();
	int fd = -1;
	ByteSpan out;
	Napi::Array list;
	if (!Args(info).Fd(&fd).Bytes("info", &out).Array("pointers", &list).Ok()) return env.Undefined();
	std::vector<PointerArg> pointers;
	if (!ReadPointers(env, list, &pointers)) return env.Undefined();
	FdKind kind = FdKind::kOther;
	if (!EnvState::Of(env).KindOf(fd, &kind))
		return ThrowRange(env, "fd " + std::to_string(fd) + " was not opened here");
	if (out.size > kInfoCapacity) return ThrowRange(env, "info: longer than any info struct");

	alignas(8) uint8_t image[kInfoCapacity] = {};
	const std::string wrong = Nest(kind, pointers, image, out.size);
	if (!wrong.empty()) return ThrowRange(env, wrong);

	struct {
		uint32_t fd;
		uint32_t length;
		uint64_t info;
	} attr = {static_cast<uint32_t>(fd), static_cast<uint32_t>(out.size), reinterpret_cast<uint64_t>(image)};
	const long result = syscall(__NR_bpf, kObjGetInfoByFd, &attr, sizeof(attr));
	const int error = errno;

	for (const PointerArg& pointer : pointers) Store<uint64_t>(image, pointer.offset, 0);
	if (out.size > 0) std::memcpy(out.data, image, out.size);
	return Result(env, result < 0 ? result : static_cast<long>(attr.length), error);
}

}  // namespace skep
