#include "attr_layout.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace skep {
namespace {

constexpr uint32_t kBatchCount = 32;
constexpr uint32_t kBatchMapFd = 36;
constexpr uint32_t kLinkAttachType = 8;

constexpr PointerField kPointerFields[] = {
	{kMapLookupElem, 8, Extent::kKey},
	{kMapLookupElem, 16, Extent::kValue},
	{kMapUpdateElem, 8, Extent::kKey},
	{kMapUpdateElem, 16, Extent::kValue},
	{kMapDeleteElem, 8, Extent::kKey},
	{kMapGetNextKey, 8, Extent::kKey},
	{kMapGetNextKey, 16, Extent::kKey},
	{kMapLookupAndDeleteElem, 8, Extent::kKey},
	{kMapLookupAndDeleteElem, 16, Extent::kValue},
	{kMapLookupBatch, 0, Extent::kBatchCursor},
	{kMapLookupBatch, 8, Extent::kBatchCursor},
	{kMapLookupBatch, 16, Extent::kBatchKeys},
	{kMapLookupBatch, 24, Extent::kBatchValues},
	{kMapLookupAndDeleteBatch, 0, Extent::kBatchCursor},
	{kMapLookupAndDeleteBatch, 8, Extent::kBatchCursor},
	{kMapLookupAndDeleteBatch, 16, Extent::kBatchKeys},
	{kMapLookupAndDeleteBatch, 24, Extent::kBatchValues},
	{kMapUpdateBatch, 16, Extent::kBatchKeys},
	{kMapUpdateBatch, 24, Extent::kBatchValues},
	{kMapDeleteBatch, 16, Extent::kBatchKeys},
	{kProgLoad, 8, Extent::kField, 4, 8},     // insns
	{kProgLoad, 16, Extent::kString},         // license
	{kProgLoad, 32, Extent::kField, 28, 1},   // log_buf
	{kProgLoad, 80, Extent::kField, 88, 8},   // func_info
	{kProgLoad, 96, Extent::kField, 104, 16}, // line_info
	{kObjPin, 0, Extent::kString},
	{kObjGet, 0, Extent::kString},
	{kProgTestRun, 16, Extent::kField, 8, 1},
	{kProgTestRun, 24, Extent::kField, 12, 1},
	{kProgTestRun, 48, Extent::kField, 40, 1},
	{kProgTestRun, 56, Extent::kField, 44, 1},
	{kProgQuery, 16, Extent::kField, 24, 4},
	{kProgQuery, 32, Extent::kField, 24, 4},
	{kProgQuery, 40, Extent::kField, 24, 4},
	{kProgQuery, 48, Extent::kField, 24, 4},
	{kRawTracepointOpen, 0, Extent::kString},
	{kBtfLoad, 0, Extent::kField, 16, 1},
	{kBtfLoad, 8, Extent::kField, 20, 1},
	{kTaskFdQuery, 16, Extent::kField, 12, 1},
};

// Fields that hold addresses in newer kernels or for uses not wrapped here: must stay zero.
struct Forbidden {
	uint32_t command;
	uint32_t offset;
};
constexpr Forbidden kForbidden[] = {
	{kProgLoad, 120},  // fd_array
	{kProgLoad, 128},  // core_relos
};

// Record sizes that the lengths above assume.
constexpr uint32_t kFuncInfoRecSize = 76;
constexpr uint32_t kLineInfoRecSize = 92;

// Attach types whose part of LINK_CREATE holds addresses.
constexpr uint32_t kAttachWithPointers[] = {28, 42, 48, 56, 57};

uint32_t Load32(const ByteSpan& attr, uint32_t offset) {
	uint32_t value = 0;
	if (offset + sizeof(value) <= attr.size) std::memcpy(&value, attr.data + offset, sizeof(value));
	return value;
}

uint64_t Load64(const ByteSpan& attr, uint32_t offset) {
	uint64_t value = 0;
	if (offset < attr.size)
		std::memcpy(&value, attr.data + offset, std::min<size_t>(sizeof(value), attr.size - offset));
	return value;
}

bool IsBatch(uint32_t command) {
	return command >= kMapLookupBatch && command <= kMapDeleteBatch;
}

bool NeedsShape(Extent extent) {
	return extent != Extent::kField && extent != Extent::kString;
}

std::string Describe(uint32_t command, uint32_t offset) {
	return "bpf: command " + std::to_string(command) + ", pointer at " + std::to_string(offset);
}

uint64_t RequiredSize(const PointerField& field, const ByteSpan& attr, const MapShape& shape) {
	const uint64_t count = Load32(attr, kBatchCount);
	switch (field.extent) {
		case Extent::kField:
			return uint64_t{Load32(attr, field.length_field)} * field.unit;
		case Extent::kKey:
			return shape.key_size;
		case Extent::kValue:
			return shape.value_size;
		case Extent::kBatchKeys:
			return count * shape.key_size;
		case Extent::kBatchValues:
			return count * shape.value_size;
		case Extent::kBatchCursor:
			return std::max<uint64_t>(shape.key_size, sizeof(uint32_t));
		case Extent::kString:
			return 0;
	}
	return UINT64_MAX;
}

const PointerField* FindField(uint32_t command, uint32_t offset) {
	for (const PointerField& field : kPointerFields)
		if (field.command == command && field.offset == offset) return &field;
	return nullptr;
}

// A field of the attr that the checks above depend on and that a caller could bend.
std::string CheckFixedFields(uint32_t command, const ByteSpan& attr) {
	for (const Forbidden& field : kForbidden)
		if (field.command == command && Load64(attr, field.offset) != 0)
			return Describe(command, field.offset) + " is not wrapped";
	if (command == kProgLoad) {
		if (Load32(attr, 88) != 0 && Load32(attr, kFuncInfoRecSize) != 8)
			return "bpf: func_info records must be 8 bytes";
		if (Load32(attr, 104) != 0 && Load32(attr, kLineInfoRecSize) != 16)
			return "bpf: line_info records must be 16 bytes";
	}
	if (command == kLinkCreate) {
		const uint32_t type = Load32(attr, kLinkAttachType);
		for (const uint32_t refused : kAttachWithPointers)
			if (type == refused && attr.size > 16)
				return "bpf: link options of attach type " + std::to_string(type) +
				       " are not wrapped";
	}
	return {};
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
			return 32;
		case kLinkUpdate:
			return 16;
		case kLinkDetach:
		case kEnableStats:
			return 4;
		case kIterCreate:
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
			return FdKind::kOther;
		default:
			*returns = false;
			return FdKind::kOther;
	}
}

bool ReadPointers(Napi::Env env, const Napi::Array& list, std::vector<PointerArg>* out) {
	const uint32_t length = list.Length();
	if (length % 2 != 0 || length > 32) {
		ThrowType(env, "pointers: expected pairs of offset and Uint8Array");
		return false;
	}
	for (uint32_t i = 0; i < length; i += 2) {
		const Napi::Value offset = list[i];
		const Napi::Value bytes = list[i + 1];
		if (env.IsExceptionPending()) return false;
		PointerArg pointer{};
		if (!offset.IsNumber()) {
			ThrowType(env, "pointers: expected pairs of offset and Uint8Array");
			return false;
		}
		pointer.offset = offset.As<Napi::Number>().Uint32Value();
		if (IsNullish(env, bytes)) continue;
		if (!ReadBytes(env, bytes, &pointer.bytes)) {
			ThrowType(env, "pointers: expected pairs of offset and Uint8Array");
			return false;
		}
		out->push_back(pointer);
	}
	return true;
}

std::string AttrImage::Prepare(
	EnvState& state, uint32_t command, const ByteSpan& caller_attr,
	const std::vector<PointerArg>& pointers
) {
	const uint32_t limit = AttrLimit(command);
	if (limit == 0) return "bpf: command " + std::to_string(command) + " is not wrapped";
	if (caller_attr.size > limit)
		return "bpf: attr has " + std::to_string(caller_attr.size) + " bytes, command " +
		       std::to_string(command) + " takes " + std::to_string(limit);
	size_ = caller_attr.size;
	if (size_ > 0) std::memcpy(bytes_.data(), caller_attr.data, size_);
	const ByteSpan attr = Span();

	std::string wrong = CheckFixedFields(command, attr);
	if (!wrong.empty()) return wrong;

	// The kernel would follow whatever stands in a pointer field.
	for (const PointerField& field : kPointerFields)
		if (field.command == command && Load64(attr, field.offset) != 0)
			return Describe(command, field.offset) + " is not zero";

	MapShape shape;
	bool shape_known = false;
	for (const PointerArg& pointer : pointers) {
		const PointerField* field = FindField(command, pointer.offset);
		if (field == nullptr || pointer.offset + 8 > attr.size)
			return Describe(command, pointer.offset) + " is not a pointer field";
		if (field->extent == Extent::kString) {
			if (pointer.bytes.size == 0 || std::memchr(pointer.bytes.data, 0, pointer.bytes.size) == nullptr)
				return Describe(command, pointer.offset) + ": expected a NUL-terminated string";
			continue;
		}
		if (NeedsShape(field->extent) && !shape_known) {
			const uint32_t fd = Load32(attr, IsBatch(command) ? kBatchMapFd : 0);
			if (fd > INT32_MAX || !state.ShapeOf(static_cast<int>(fd), &shape))
				return "bpf: fd " + std::to_string(static_cast<int32_t>(fd)) + " is not a map opened here";
			shape_known = true;
		}
		const uint64_t required = RequiredSize(*field, attr, shape);
		if (pointer.bytes.size < required)
			return Describe(command, pointer.offset) + ": " + std::to_string(pointer.bytes.size) +
			       " bytes, the kernel uses " + std::to_string(required);
	}
	return {};
}

void AttrImage::Point(const std::vector<PointerArg>& pointers) {
	for (const PointerArg& pointer : pointers) {
		const uint64_t address = reinterpret_cast<uint64_t>(pointer.bytes.data);
		std::memcpy(bytes_.data() + pointer.offset, &address, sizeof(address));
	}
}

void AttrImage::CopyBack(const std::vector<PointerArg>& pointers, const ByteSpan& attr) {
	for (const PointerArg& pointer : pointers) std::memset(bytes_.data() + pointer.offset, 0, 8);
	const size_t size = std::min(size_, attr.size);
	if (size > 0) std::memcpy(attr.data, bytes_.data(), size);
}

}  // namespace skep
