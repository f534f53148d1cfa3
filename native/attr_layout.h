// Where union bpf_attr holds addresses, per command, and how many bytes the kernel reads or writes
// there. Offsets are kernel ABI and never change; commands and fields not listed are refused.
#pragma once

#include <node_api.h>

#include <array>
#include <cstdint>
#include <memory>
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
	kTokenCreate = 36,
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
	kFdArray,      // as far as the program's instructions index into it
};

enum class Access : uint8_t { kRead, kWrite };

// Also no attach type that the kernel will ever have.
constexpr uint32_t kAnyAttachType = UINT32_MAX;

struct PointerField {
	uint32_t command;
	uint32_t offset;
	// What the kernel does there.
	Access access;
	Extent extent;
	// For kField: where the u32 stands, and bytes per unit.
	uint32_t length_field = 0;
	uint32_t unit = 1;
	// A field of links of this attach type only.
	uint32_t attach_type = kAnyAttachType;
};

// One buffer whose address the kernel gets.
struct PointerArg {
	uint32_t offset = 0;
	ByteSpan bytes;
	// The typed array that the bytes are of.
	napi_value array = nullptr;
	// How many of the bytes the kernel uses, and whether it writes them.
	uint64_t used = 0;
	bool written = false;
	// Bytes of our own in place of JavaScript's.
	std::unique_ptr<uint8_t[]> copy;

	// Lets the kernel work on a copy of the bytes it uses; false without memory.
	bool UseCopy();
};

// How many bytes of attr a command understands here; 0 for a command that is not wrapped.
uint32_t AttrLimit(uint32_t command);

// The kind of descriptor a command returns; kOther with `returns` false when it returns none.
FdKind ReturnedKind(uint32_t command, bool* returns);

// Reads the flat list [offset, Uint8Array | null, ...]. Reading it may run JavaScript, so what was
// read of other buffers before is void afterwards. False leaves an exception pending.
bool ReadPointers(napi_env env, napi_value list, std::vector<PointerArg>* out);

// The kernel's copy of attr for one call. It is made before the checks, so that nobody can change it
// between check and call, and addresses stand in it only, so that none ever reaches JavaScript.
class AttrImage {
public:
	// Longer than any command that is wrapped: the kernel writes some fields back however short it
	// was told that attr is.
	static constexpr size_t kCapacity = 256;

	// Copies attr and checks that it is safe to hand to the kernel with `pointers`: known fields
	// only, no address but theirs, every buffer as long as the kernel will use it. Empty when safe,
	// else what is wrong.
	std::string Prepare(
		EnvState& state, uint32_t command, const ByteSpan& attr, std::vector<PointerArg>* pointers
	);

	// Puts an own duplicate in place of the descriptor that the checks went by, so that closing that
	// one cannot make the kernel use another object; ReleaseFd undoes it. 0, or errno.
	int HoldFd();
	void ReleaseFd();

	// Writes the addresses of the buffers that were checked.
	void Point(const std::vector<PointerArg>& pointers);

	// What the kernel answered in attr, without addresses, into the caller's attr.
	void CopyBack(const std::vector<PointerArg>& pointers, const ByteSpan& attr);

	uint8_t* data() { return bytes_.data(); }
	size_t size() const { return size_; }

private:
	uint32_t Load32(uint32_t offset) const;
	uint64_t Load64(uint32_t offset) const;
	void Store32(uint32_t offset, uint32_t value);

	uint32_t AttachType(uint32_t command) const;
	std::string CheckFixedFields(EnvState& state, uint32_t command);
	uint64_t RequiredSize(const PointerField& field, const MapShape& shape) const;
	std::string MeasureFdArray(std::vector<PointerArg>* pointers) const;

	// Zero beyond what the caller gave: so does the kernel read it.
	alignas(8) std::array<uint8_t, kCapacity> bytes_{};
	size_t size_ = 0;
	// Where the descriptor stands that the checks went by; none when negative.
	int checked_fd_offset_ = -1;
	uint32_t caller_fd_ = 0;
	bool holds_ = false;
};

}  // namespace skep
