// Arguments of JavaScript calls, read strictly: what has not the expected type fails the call.
#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <string>

#include "errno_error.h"

namespace skep {

// Bytes that belong to a JavaScript typed array; valid until control returns to JavaScript.
struct ByteSpan {
	uint8_t* data = nullptr;
	size_t size = 0;
};

// Reads a Uint8Array (or Buffer). A detached one reads as empty.
inline bool ReadBytes(Napi::Env env, napi_value value, ByteSpan* out) {
	napi_typedarray_type type;
	void* data = nullptr;
	size_t length = 0;
	if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok)
		return false;
	if (type != napi_uint8_array) return false;
	out->data = static_cast<uint8_t*>(data);
	out->size = data == nullptr ? 0 : length;
	return true;
}

inline bool IsNullish(Napi::Env env, napi_value value) {
	napi_valuetype type;
	return napi_typeof(env, value, &type) == napi_ok &&
	       (type == napi_undefined || type == napi_null);
}

// Reads the arguments of one call in order; the first wrong one leaves a TypeError pending, and
// everything read after it is zero.
class Args {
public:
	explicit Args(const Napi::CallbackInfo& info) : info_(info), env_(info.Env()) {}

	// A whole number between `low` and `high`.
	Args& Int(const char* name, int64_t low, int64_t high, int64_t* out) {
		double number = 0;
		const Napi::Value value = Next();
		if (!ok_) return *this;
		if (napi_get_value_double(env_, value, &number) != napi_ok || std::trunc(number) != number ||
		    number < static_cast<double>(low) || number > static_cast<double>(high))
			return Fail(name, "a whole number in range");
		*out = static_cast<int64_t>(number);
		return *this;
	}

	Args& Fd(int* out) {
		int64_t fd = -1;
		Int("fd", 0, INT32_MAX, &fd);
		*out = static_cast<int>(fd);
		return *this;
	}

	// A file descriptor, or -1 where none is meant.
	Args& OptionalFd(const char* name, int* out) {
		int64_t fd = -1;
		Int(name, -1, INT32_MAX, &fd);
		*out = static_cast<int>(fd);
		return *this;
	}

	Args& Uint32(const char* name, uint32_t* out) {
		int64_t number = 0;
		Int(name, 0, UINT32_MAX, &number);
		*out = static_cast<uint32_t>(number);
		return *this;
	}

	Args& Bytes(const char* name, ByteSpan* out) {
		const Napi::Value value = Next();
		if (ok_ && !ReadBytes(env_, value, out)) return Fail(name, "a Uint8Array");
		return *this;
	}

	Args& OptionalBytes(const char* name, ByteSpan* out) {
		const Napi::Value value = Next();
		if (ok_ && !IsNullish(env_, value) && !ReadBytes(env_, value, out))
			return Fail(name, "a Uint8Array or null");
		return *this;
	}

	// A string without NUL.
	Args& Text(const char* name, std::string* out) {
		const Napi::Value value = Next();
		if (!ok_) return *this;
		if (!value.IsString()) return Fail(name, "a string");
		*out = value.As<Napi::String>().Utf8Value();
		if (out->find('\0') != std::string::npos) return Fail(name, "a string without NUL");
		return *this;
	}

	Args& Array(const char* name, Napi::Array* out) {
		const Napi::Value value = Next();
		if (!ok_) return *this;
		if (!value.IsArray()) return Fail(name, "an array");
		*out = value.As<Napi::Array>();
		return *this;
	}

	bool Ok() const { return ok_; }

private:
	Napi::Value Next() { return info_[index_++]; }

	Args& Fail(const char* name, const char* expected) {
		ok_ = false;
		ThrowType(env_, std::string(name) + ": expected " + expected);
		return *this;
	}

	const Napi::CallbackInfo& info_;
	Napi::Env env_;
	size_t index_ = 0;
	bool ok_ = true;
};

}  // namespace skep
