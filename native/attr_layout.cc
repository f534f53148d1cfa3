#include "attr_layout.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace skep {
namespace {

constexpr uint32_t kBatchCount = 32;
constexpr uint32_t kBatchMapFd = 36;
constexpr uint32_t kLinkAttachType = 8;
constexpr uint32_t kLinkOptions = 16;
constexpr uint32_t kTestRunContext = 48;
constexpr uint32_t kProgInstructions = 8;
constexpr uint32_t kProgFdArray = 120;
constexpr uint32_t kProgFdArrayCount = 148;

// Attach types whose options of LINK_CREATE hold addresses.
constexpr uint32_t kTraceIter = 28;
constexpr uint32_t kTraceKprobeMulti = 42;
constexpr uint32_t kTraceUprobeMulti = 48;
constexpr uint32_t kTraceKprobeSession = 56;
constexpr uint32_t kTraceUprobeSession = 57;
// What is newer might hold some, too.
constexpr uint32_t kLastKnownAttachType = 57;

constexpr Access kIn = Access::kRead;
constexpr Access kOut = Access::kWrite;

constexpr PointerField kPointerFields[] = {
	{kMapLookupElem, 8, kIn, Extent::kKey},
	{kMapLookupElem, 16, kOut, Extent::kValue},
	{kMapUpdateElem, 8, kIn, Extent::kKey},
	{kMapUpdateElem, 16, kIn, Extent::kValue},
	{kMapDeleteElem, 8, kIn, Extent::kKey},
	{kMapGetNextKey, 8, kIn, Extent::kKey},
	{kMapGetNextKey, 16, kOut, Extent::kKey},
	{kMapLookupAndDeleteElem, 8, kIn, Extent::kKey},
	{kMapLookupAndDeleteElem, 16, kOut, Extent::kValue},
	{kMapLookupBatch, 0, kIn, Extent::kBatchCursor},
	{kMapLookupBatch, 8, kOut, Extent::kBatchCursor},
	{kMapLookupBatch, 16, kOut, Extent::kBatchKeys},
	{kMapLookupBatch, 24, kOut, Extent::kBatchValues},
	{kMapLookupAndDeleteBatch, 0, kIn, Extent::kBatchCursor},
	{kMapLookupAndDeleteBatch, 8, kOut, Extent::kBatchCursor},
	{kMapLookupAndDeleteBatch, 16, kOut, Extent::kBatchKeys},
	{kMapLookupAndDeleteBatch, 24, kOut, Extent::kBatchValues},
	{kMapUpdateBatch, 16, kIn, Extent::kBatchKeys},
	{kMapUpdateBatch, 24, kIn, Extent::kBatchValues},
	{kMapDeleteBatch, 16, kIn, Extent::kBatchKeys},
	{kProgLoad, kProgInstructions, kIn, Extent::kField, 4, 8},
	{kProgLoad, 16, kIn, Extent::kString},          // license
	{kProgLoad, 32, kOut, Extent::kField, 28, 1},   // log_buf
	{kProgLoad, 80, kIn, Extent::kField, 88, 8},    // func_info
	{kProgLoad, 96, kIn, Extent::kField, 104, 16},  // line_info
	{kProgLoad, kProgFdArray, kIn, Extent::kFdArray},
	{kObjPin, 0, kIn, Extent::kString},
	{kObjGet, 0, kIn, Extent::kString},
	{kProgTestRun, 16, kIn, Extent::kField, 8, 1},
	{kProgTestRun, 24, kOut, Extent::kField, 12, 1},
	// Programs of type syscall get their context back here, not in ctx_out.
	{kProgTestRun, kTestRunContext, kOut, Extent::kField, 40, 1},
	{kProgTestRun, 56, kOut, Extent::kField, 44, 1},
	{kProgQuery, 16, kOut, Extent::kField, 24, 4},
	{kProgQuery, 32, kOut, Extent::kField, 24, 4},
	{kProgQuery, 40, kOut, Extent::kField, 24, 4},
	{kProgQuery, 48, kOut, Extent::kField, 24, 4},
	{kRawTracepointOpen, 0, kIn, Extent::kString},
	{kBtfLoad, 0, kIn, Extent::kField, 16, 1},
	{kBtfLoad, 8, kOut, Extent::kField, 20, 1},
	{kTaskFdQuery, 16, kOut, Extent::kField, 12, 1},
	{kLinkCreate, 16, kIn, Extent::kField, 24, 1, kTraceIter},  // iter_info
	{kLinkCreate, 32, kIn, Extent::kField, 20, 8, kTraceKprobeMulti},  // addrs
	{kLinkCreate, 40, kIn, Extent::kField, 20, 8, kTraceKprobeMulti},  // cookies
	{kLinkCreate, 32, kIn, Extent::kField, 20, 8, kTraceKprobeSession},
	{kLinkCreate, 40, kIn, Extent::kField, 20, 8, kTraceKprobeSession},
	{kLinkCreate, 16, kIn, Extent::kString, 0, 1, kTraceUprobeMulti},  // path
	{kLinkCreate, 24, kIn, Extent::kField, 48, 8, kTraceUprobeMulti},  // offsets
	{kLinkCreate, 32, kIn, Extent::kField, 48, 8, kTraceUprobeMulti},  // ref_ctr_offsets
	{kLinkCreate, 40, kIn, Extent::kField, 48, 8, kTraceUprobeMulti},  // cookies
	{kLinkCreate, 16, kIn, Extent::kString, 0, 1, kTraceUprobeSession},
	{kLinkCreate, 24, kIn, Extent::kField, 48, 8, kTraceUprobeSession},
	{kLinkCreate, 32, kIn, Extent::kField, 48, 8, kTraceUprobeSession},
	{kLinkCreate, 40, kIn, Extent::kField, 48, 8, kTraceUprobeSession},
};

// Fields that hold addresses but are not wrapped: must stay zero.
struct Forbidden {
	uint32_t command;
	uint32_t offset;
	uint32_t attach_type = kAnyAttachType;
};
constexpr Forbidden kForbidden[] = {
	{kProgLoad, 128},  // core_relos
	// syms: addresses of strings; the functions' own addresses say the same.
	{kLinkCreate, 24, kTraceKprobeMulti},
	{kLinkCreate, 24, kTraceKprobeSession},
};

// Record sizes that the lengths above assume.
constexpr uint32_t kFuncInfoCount = 88;
constexpr uint32_t kFuncInfoRecSize = 76;
constexpr uint32_t kLineInfoCount = 104;
constexpr uint32_t kLineInfoRecSize = 92;

// The only program type whose test context holds addresses that the kernel writes to.
constexpr uint32_t kStructOpsProgram = 27;

// No path or name that the kernel takes is longer.
constexpr size_t kLongestString = 4096;

bool IsBatch(uint32_t command) {
	return command >= kMapLookupBatch && command <= kMapDeleteBatch;
}

bool NeedsShape(Extent extent) {
	return extent != Extent::kField && extent != Extent::kString && extent != Extent::kFdArray;
}

uint64_t Multiply(uint64_t count, uint64_t size) {
	uint64_t product = 0;
	return __builtin_mul_overflow(count, size, &product) ? UINT64_MAX : product;
}

// How many entries of fd_array the instructions name: one more than the highest index.
uint64_t IndexedFds(const uint8_t* bytes, uint64_t size) {
	constexpr uint8_t kCall = 0x85, kWideLoad = 0x18;
	constexpr uint8_t kKernelFunction = 2, kMapIndex = 5, kMapIndexValue = 6;
	uint64_t count = 0;
	for (uint64_t at = 0; at + 8 <= size; at += 8) {
		const uint8_t opcode = bytes[at];
		if (opcode != kCall && opcode != kWideLoad) continue;
		const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
		const uint8_t source = little ? bytes[at + 1] >> 4 : bytes[at + 1] & 0xf;
		int64_t index = -1;
		if (opcode == kCall && source == kKernelFunction) {
			int16_t offset = 0;
			std::memcpy(&offset, bytes + at + 2, sizeof(offset));
			index = offset;
		} else if (opcode == kWideLoad && (source == kMapIndex || source == kMapIndexValue)) {
			uint32_t immediate = 0;
			std::memcpy(&immediate, bytes + at + 4, sizeof(immediate));
			index = immediate;
		}
		if (index >= 0) count = std::max(count, static_cast<uint64_t>(index) + 1);
	}
	return count;
}

std::string Describe(uint32_t command, uint32_t offset) {
	return "bpf: command " + std::to_string(command) + ", pointer at " + std::to_string(offset);
}

// Is this a field of the command as it is called here?
template <typename Field>
bool Applies(const Field& field, uint32_t command, uint32_t attach_type) {
	return field.command == command &&
	       (field.attach_type == kAnyAttachType || field.attach_type == attach_type);
}

const PointerField* FindField(uint32_t command, uint32_t attach_type, uint32_t offset) {
	for (const PointerField& field : kPointerFields)
		if (field.offset == offset && Applies(field, command, attach_type)) return &field;
	return nullptr;
}

// The kernel reads a string until its NUL, long after it was looked for here: of a copy, nobody can
// take it away.
bool TakeString(PointerArg* pointer) {
	pointer->used = std::min(pointer->bytes.size, kLongestString);
	return pointer->used != 0 && pointer->UseCopy() &&
	       std::memchr(pointer->bytes.data, 0, pointer->used) != nullptr;
}

}  // namespace

uint32_t AttrLimit(uint32_t command) {
	switch (command) {
		case kMapCreate:
			return 80;
		case kMapLookupElem:
		case kMapUpdateElem:
		case kMapDeleteElem:
		case kMapGetNextKey:
		case kMapLookupAndDeleteElem:
		case kMapFreeze:
			return 32;
		case kMapLookupBatch:
		case kMapLookupAndDeleteBatch:
		case kMapUpdateBatch:
		case kMapDeleteBatch:
			return 56;
		case kProgLoad:
			return 152;
		case kObjPin:
		case kObjGet:
			return 24;
		case kProgAttach:
		case kProgDetach:
			return 32;
		case kProgTestRun:
			return 80;
		case kProgGetNextId:
		case kMapGetNextId:
		case kBtfGetNextId:
		case kLinkGetNextId:
		case kProgGetFdById:
		case kMapGetFdById:
		case kBtfGetFdById:
		case kLinkGetFdById:
			return 12;
		case kProgQuery:
			return 64;
		case kRawTracepointOpen:
			return 24;
		case kBtfLoad:
			return 40;
		case kTaskFdQuery:
			return 48;
		case kLinkCreate:
			return 64;
		case kLinkUpdate:
			return 16;
		case kLinkDetach:
		case kEnableStats:
			return 4;
		case kIterCreate:
		case kTokenCreate:
			return 8;
		case kProgBindMap:
			return 12;
		default:
			return 0;
	}
}

FdKind ReturnedKind(uint32_t command, bool* returns) {
	*returns = true;
	switch (command) {
		case kMapCreate:
		case kMapGetFdById:
			return FdKind::kMap;
		case kProgLoad:
		case kProgGetFdById:
			return FdKind::kProgram;
		case kLinkCreate:
		case kLinkGetFdById:
			return FdKind::kLink;
		case kBtfLoad:
		case kBtfGetFdById:
			return FdKind::kBtf;
		case kObjGet:
		case kRawTracepointOpen:
		case kEnableStats:
		case kIterCreate:
		case kTokenCreate:
			return FdKind::kOther;
		default:
			*returns = false;
			return FdKind::kOther;
	}
}

bool ReadPointers(napi_env env, napi_value list, std::vector<PointerArg>* out) {
	constexpr const char* kExpected = "pointers: expected pairs of offset and Uint8Array or null";
	std::array<napi_value, 32> items;
	uint32_t length = 0;
	if (napi_get_array_length(env, list, &length) != napi_ok || length % 2 != 0 || length > items.size()) {
		ThrowType(env, kExpected);
		return false;
	}
	// An element may be an accessor, which can detach or shrink any buffer: all of them are got
	// before the first buffer is looked at.
	for (uint32_t i = 0; i < length; i++)
		if (napi_get_element(env, list, i, &items[i]) != napi_ok) return false;

	out->reserve(length / 2);
	for (uint32_t i = 0; i < length; i += 2) {
		PointerArg pointer;
		pointer.array = items[i + 1];
		if (!ReadWhole(env, items[i], 0, UINT32_MAX, &pointer.offset)) {
			ThrowType(env, kExpected);
			return false;
		}
		if (IsNullish(env, pointer.array)) continue;
		if (!ReadBytes(env, pointer.array, &pointer.bytes)) {
			ThrowType(env, kExpected);
			return false;
		}
		out->push_back(std::move(pointer));
	}
	return true;
}

bool PointerArg::UseCopy() {
	if (copy != nullptr || used == 0) return true;
	copy.reset(new (std::nothrow) uint8_t[used]);
	if (copy == nullptr) return false;
	std::memcpy(copy.get(), bytes.data, used);
	bytes = {copy.get(), static_cast<size_t>(used)};
	return true;
}

uint32_t AttrImage::Load32(uint32_t offset) const {
	uint32_t value = 0;
	std::memcpy(&value, bytes_.data() + offset, sizeof(value));
	return value;
}

uint64_t AttrImage::Load64(uint32_t offset) const {
	uint64_t value = 0;
	std::memcpy(&value, bytes_.data() + offset, sizeof(value));
	return value;
}

void AttrImage::Store32(uint32_t offset, uint32_t value) {
	std::memcpy(bytes_.data() + offset, &value, sizeof(value));
}

// Only a link's options differ by attach type.
uint32_t AttrImage::AttachType(uint32_t command) const {
	return command == kLinkCreate ? Load32(kLinkAttachType) : kAnyAttachType;
}

uint64_t AttrImage::RequiredSize(const PointerField& field, const MapShape& shape) const {
	switch (field.extent) {
		case Extent::kField:
			return Multiply(Load32(field.length_field), field.unit);
		case Extent::kKey:
			return shape.key_size;
		case Extent::kValue:
			return shape.value_size;
		case Extent::kBatchKeys:
			return Multiply(Load32(kBatchCount), shape.key_size);
		case Extent::kBatchValues:
			return Multiply(Load32(kBatchCount), shape.value_size);
		case Extent::kBatchCursor:
			return std::max<uint64_t>(shape.key_size, sizeof(uint32_t));
		case Extent::kString:
		case Extent::kFdArray:
			break;
	}
	return UINT64_MAX;
}

// The kernel reads the entries that calls of kernel functions and loads by index name, and the first
// fd_array_cnt. It gets a copy of the instructions that were looked at here.
std::string AttrImage::MeasureFdArray(std::vector<PointerArg>* pointers) const {
	PointerArg* array = nullptr;
	PointerArg* instructions = nullptr;
	for (PointerArg& pointer : *pointers) {
		if (pointer.offset == kProgFdArray) array = &pointer;
		if (pointer.offset == kProgInstructions) instructions = &pointer;
	}
	if (array == nullptr || instructions == nullptr) return {};
	if (!instructions->UseCopy()) return Describe(kProgLoad, kProgInstructions) + ": no memory";
	const uint64_t indexed = IndexedFds(instructions->bytes.data, instructions->used);
	array->used = std::max<uint64_t>(indexed, Load32(kProgFdArrayCount)) * sizeof(int32_t);
	if (array->bytes.size < array->used)
		return Describe(kProgLoad, kProgFdArray) + ": " + std::to_string(array->bytes.size) +
		       " bytes, the kernel uses " + std::to_string(array->used);
	return {};
}

// Fields that the checks depend on and that a caller could bend.
std::string AttrImage::CheckFixedFields(EnvState& state, uint32_t command) {
	const uint32_t attach_type = AttachType(command);
	for (const Forbidden& field : kForbidden)
		if (Applies(field, command, attach_type) && Load64(field.offset) != 0)
			return Describe(command, field.offset) + " is not wrapped";
	// The kernel would follow whatever stands in a pointer field.
	for (const PointerField& field : kPointerFields)
		if (Applies(field, command, attach_type) && Load64(field.offset) != 0)
			return Describe(command, field.offset) + " is not zero";
	if (command == kProgLoad) {
		if (Load32(kFuncInfoCount) != 0 && Load32(kFuncInfoRecSize) != 8)
			return "bpf: func_info records must be 8 bytes";
		if (Load32(kLineInfoCount) != 0 && Load32(kLineInfoRecSize) != 16)
			return "bpf: line_info records must be 16 bytes";
	}
	if (command == kLinkCreate && size_ > kLinkOptions && attach_type > kLastKnownAttachType)
		return "bpf: link options of attach type " + std::to_string(attach_type) + " are not wrapped";
	if (command == kProgTestRun) {
		checked_fd_offset_ = 0;
		uint32_t type = 0;
		FdKind kind = FdKind::kNone;
		const int fd = static_cast<int>(Load32(0));
		if (!state.KindOf(fd, &kind) || kind != FdKind::kProgram || !state.TypeOf(fd, &type))
			return "bpf: fd " + std::to_string(fd) + " is not a program opened here";
		if (type == kStructOpsProgram) return "bpf: a test run of struct_ops is not wrapped";
	}
	return {};
}

std::string AttrImage::Prepare(
	EnvState& state, uint32_t command, const ByteSpan& attr, std::vector<PointerArg>* pointers
) {
	const uint32_t limit = AttrLimit(command);
	if (limit == 0) return "bpf: command " + std::to_string(command) + " is not wrapped";
	if (attr.size > limit)
		return "bpf: attr has " + std::to_string(attr.size) + " bytes, command " +
		       std::to_string(command) + " takes " + std::to_string(limit);
	size_ = attr.size;
	if (size_ > 0) std::memcpy(bytes_.data(), attr.data, size_);

	std::string wrong = CheckFixedFields(state, command);
	if (!wrong.empty()) return wrong;

	MapShape shape;
	for (PointerArg& pointer : *pointers) {
		const PointerField* field = FindField(command, AttachType(command), pointer.offset);
		if (field == nullptr || pointer.offset + 8 > size_)
			return Describe(command, pointer.offset) + " is not a pointer field";
		pointer.written = field->access == Access::kWrite;
		if (field->extent == Extent::kString) {
			if (!TakeString(&pointer))
				return Describe(command, pointer.offset) + ": expected a NUL-terminated string";
			continue;
		}
		if (NeedsShape(field->extent) && checked_fd_offset_ < 0) {
			checked_fd_offset_ = IsBatch(command) ? kBatchMapFd : 0;
			const int fd = static_cast<int>(Load32(static_cast<uint32_t>(checked_fd_offset_)));
			if (!state.ShapeOf(fd, &shape))
				return "bpf: fd " + std::to_string(fd) + " is not a map opened here";
		}
		if (field->extent == Extent::kFdArray) continue;
		pointer.used = RequiredSize(*field, shape);
		if (pointer.bytes.size < pointer.used)
			return Describe(command, pointer.offset) + ": " + std::to_string(pointer.bytes.size) +
			       " bytes, the kernel uses " + std::to_string(pointer.used);
	}
	return command == kProgLoad ? MeasureFdArray(pointers) : std::string{};
}

int AttrImage::HoldFd() {
	if (checked_fd_offset_ < 0) return 0;
	const uint32_t offset = static_cast<uint32_t>(checked_fd_offset_);
	caller_fd_ = Load32(offset);
	const int own = fcntl(static_cast<int>(caller_fd_), F_DUPFD_CLOEXEC, 0);
	if (own < 0) return errno;
	Store32(offset, static_cast<uint32_t>(own));
	holds_ = true;
	return 0;
}

void AttrImage::ReleaseFd() {
	if (!holds_) return;
	holds_ = false;
	const uint32_t offset = static_cast<uint32_t>(checked_fd_offset_);
	close(static_cast<int>(Load32(offset)));
	Store32(offset, caller_fd_);
}

void AttrImage::Point(const std::vector<PointerArg>& pointers) {
	for (const PointerArg& pointer : pointers) {
		// None for a buffer of no bytes: some commands take its length of zero for no limit.
		const uint64_t address = pointer.used == 0 ? 0 : reinterpret_cast<uint64_t>(pointer.bytes.data);
		std::memcpy(bytes_.data() + pointer.offset, &address, sizeof(address));
	}
}

void AttrImage::CopyBack(const std::vector<PointerArg>& pointers, const ByteSpan& attr) {
	for (const PointerArg& pointer : pointers) std::memset(bytes_.data() + pointer.offset, 0, 8);
	const size_t size = std::min(size_, attr.size);
	if (size > 0) std::memcpy(attr.data, bytes_.data(), size);
}

}  // namespace skep
