// Arguments of JavaScript calls, read strictly: what has not the expected type fails the call.
#pragma once

#include <node_api.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "errno_error.h"

namespace skep {

// Bytes that belong to a JavaScript typed array; valid until JavaScript runs again.
struct ByteSpan {
	uint8_t* data = nullptr;
	size_t size = 0;
};

// Reads a Uint8Array (or Buffer). One that is detached, or out of the bounds of a buffer that was
// resized, reads as empty.
inline bool ReadBytes(napi_env env, napi_value value, ByteSpan* out) {
	napi_typedarray_type type;
	void* data = nullptr;
	size_t length = 0;
	if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok)
		return false;
	if (type != napi_uint8_array) return false;
	*out = data == nullptr || length == 0 ? ByteSpan{} : ByteSpan{static_cast<uint8_t*>(data), length};
	return true;
}

inline bool IsNullish(napi_env env, napi_value value) {
	napi_valuetype type;
	return napi_typeof(env, value, &type) == napi_ok &&
	       (type == napi_undefined || type == napi_null);
}

// Reads a whole number between `low` and `high`; no other value is converted to one.
template <typename Integer>
bool ReadWhole(napi_env env, napi_value value, double low, double high, Integer* out) {
	double number = 0;
	if (napi_get_value_double(env, value, &number) != napi_ok) return false;
	// Not a number compares as false.
	if (!(number >= low && number <= high) || std::trunc(number) != number) return false;
	*out = static_cast<Integer>(number);
	return true;
}

// Reads the arguments of one call in order; the first wrong one leaves a TypeError pending, and
// those after it are not read. Reading runs no JavaScript.
class Args {
public:
	Args(napi_env env, napi_callback_info info) : env_(env) {
		size_t count = values_.size();
		// Fills up with undefined.
		ok_ = napi_get_cb_info(env, info, &count, values_.data(), nullptr, nullptr) == napi_ok;
	}

	Args& Fd(int* out) { return Whole("fd", 0, INT32_MAX, "a file descriptor", out); }

	// A file descriptor, or -1 where none is meant.
	Args& OptionalFd(const char* name, int* out) {
		return Whole(name, -1, INT32_MAX, "a file descriptor or -1", out);
	}

	Args& Uint32(const char* name, uint32_t* out) {
		return Whole(name, 0, UINT32_MAX, "a whole number of 32 bits", out);
	}

	// A number of bytes, or a place among them.
	Args& Size(const char* name, double* out) {
		return Whole(name, 0, 1ULL << 48, "a number of bytes", out);
	}

	Args& Bytes(const char* name, ByteSpan* out) {
		const napi_value value = Next();
		if (ok_ && !ReadBytes(env_, value, out)) return Fail(name, "a Uint8Array");
		return *this;
	}

	// A Uint8Array, to be read once no JavaScript can run any more before the call.
	Args& Later(napi_value* out) {
		*out = Next();
		return *this;
	}

	// A string without NUL of at most `Size` - 1 bytes.
	template <size_t Size>
	Args& Text(const char* name, std::array<char, Size>* out) {
		const napi_value value = Next();
		if (!ok_) return *this;
		size_t length = 0;
		if (napi_get_value_string_utf8(env_, value, nullptr, 0, &length) != napi_ok)
			return Fail(name, "a string");
		if (length >= Size) return Fail(name, "a shorter string");
		napi_get_value_string_utf8(env_, value, out->data(), Size, &length);
		if (std::string_view(out->data(), length).find('\0') != std::string_view::npos)
			return Fail(name, "a string without NUL");
		return *this;
	}

	Args& Array(const char* name, napi_value* out) {
		*out = Next();
		bool is_array = false;
		if (ok_ && (napi_is_array(env_, *out, &is_array) != napi_ok || !is_array))
			return Fail(name, "an array");
		return *this;
	}

	bool Ok() const { return ok_; }

private:
	napi_value Next() { return values_[index_++]; }

	template <typename Integer>
	Args& Whole(const char* name, double low, double high, const char* expected, Integer* out) {
		const napi_value value = Next();
		if (ok_ && !ReadWhole(env_, value, low, high, out)) return Fail(name, expected);
		return *this;
	}

	Args& Fail(const char* name, const char* expected) {
		ok_ = false;
		ThrowType(env_, std::string(name) + ": expected " + expected);
		return *this;
	}

	napi_env env_;
	std::array<napi_value, 6> values_{};
	size_t index_ = 0;
	bool ok_ = true;
};

}  // namespace skep
