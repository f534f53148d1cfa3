// Where union bpf_attr holds addresses, per command, and how many bytes the kernel reads or writes
// there. Offsets are kernel ABI and never change; commands and fields not listed are refused.
#pragma once

#include <napi.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "args.h"
#include "env_state.h"

namespace skep {

// The bpf(2) commands that need a name here.
enum Command : uint32_t {
	kMapCreate = 0,
	kMapLookupElem = 1,
	kMapUpdateElem = 2,
	kMapDeleteElem = 3,
	kMapGetNextKey = 4,
	kProgLoad = 5,
	kObjPin = 6,
	kObjGet = 7,
	kProgAttach = 8,
	kProgDetach = 9,
	kProgTestRun = 10,
	kProgGetNextId = 11,
	kMapGetNextId = 12,
	kProgGetFdById = 13,
	kMapGetFdById = 14,
	kObjGetInfoByFd = 15,
	kProgQuery = 16,
	kRawTracepointOpen = 17,
	kBtfLoad = 18,
	kBtfGetFdById = 19,
	kTaskFdQuery = 20,
	kMapLookupAndDeleteElem = 21,
	kMapFreeze = 22,
	kBtfGetNextId = 23,
	kMapLookupBatch = 24,
	kMapLookupAndDeleteBatch = 25,
	kMapUpdateBatch = 26,
	kMapDeleteBatch = 27,
	kLinkCreate = 28,
	kLinkUpdate = 29,
	kLinkGetFdById = 30,
	kLinkGetNextId = 31,
	kEnableStats = 32,
	kIterCreate = 33,
	kLinkDetach = 34,
	kProgBindMap = 35,
};

// What decides the length that a pointer field must have.
enum class Extent : uint8_t {
	kField,      // a u32 field of attr × unit
	kString,     // NUL-terminated
	kKey,        // the map's key
	kValue,      // the map's value
	kBatchKeys,  // count × key
	kBatchValues,
	kBatchCursor,  // an opaque position: a key, or a u32 where keys are shorter
};

struct PointerField {
	uint32_t command;
	uint32_t offset;
	Extent extent;
	// For kField: where the u32 stands, bytes per unit, and a second factor (0: none).
	uint32_t length_field = 0;
	uint32_t unit = 1;
};

// One pointer to write into attr.
struct PointerArg {
	uint32_t offset;
	ByteSpan bytes;
};

// How many bytes of attr a command understands here; 0 for a command that is not wrapped.
uint32_t AttrLimit(uint32_t command);

// The kind of descriptor a command returns; kOther with `returns` false when it returns none.
FdKind ReturnedKind(uint32_t command, bool* returns);

// Reads the flat list [offset, Uint8Array | null, ...]. False leaves a TypeError pending.
bool ReadPointers(Napi::Env env, const Napi::Array& list, std::vector<PointerArg>* out);

// The kernel's copy of attr for one call. It is made before the checks, so that nobody can change it
// between check and call, and addresses stand in it only, so that none ever reaches JavaScript.
class AttrImage {
public:
	static constexpr size_t kCapacity = 152;

	// Copies attr and checks that it is safe to hand to the kernel with `pointers`: known fields
	// only, no address but theirs, every buffer as long as the kernel will use it. Empty when safe,
	// else what is wrong.
	std::string Prepare(
		EnvState& state, uint32_t command, const ByteSpan& attr,
		const std::vector<PointerArg>& pointers
	);

	// Writes the addresses of the buffers that were checked, in the same order.
	void Point(const std::vector<PointerArg>& pointers);

	// What the kernel answered in attr, without addresses, into the caller's attr.
	void CopyBack(const std::vector<PointerArg>& pointers, const ByteSpan& attr);

	uint8_t* data() { return bytes_.data(); }
	size_t size() const { return size_; }

private:
	ByteSpan Span() { return {bytes_.data(), size_}; }

	alignas(8) std::array<uint8_t, kCapacity> bytes_{};
	size_t size_ = 0;
};

}  // namespace skep
