// How this addon says no: the kernel's refusals are returned as negative errno numbers, for
// TypeScript to put into words; only arguments that would be unsafe to pass on throw.
//
// The addon speaks Node-API itself: a wrapper that throws on every failed status ends the process
// where none can be thrown any more, as in a worker that is being terminated. Here a status that
// only that can cause is ignored, for nobody is left to read the result.
#pragma once

#include <node_api.h>

#include <string>

namespace skep {

inline napi_value ThrowType(napi_env env, const std::string& message) {
	napi_throw_type_error(env, nullptr, message.c_str());
	return nullptr;
}

inline napi_value ThrowRange(napi_env env, const std::string& message) {
	napi_throw_range_error(env, nullptr, message.c_str());
	return nullptr;
}

inline napi_value Number(napi_env env, double number) {
	napi_value value = nullptr;
	napi_create_double(env, number, &value);
	return value;
}

inline napi_value Text(napi_env env, const char* text) {
	napi_value value = nullptr;
	napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
	return value;
}

inline napi_value Null(napi_env env) {
	napi_value value = nullptr;
	napi_get_null(env, &value);
	return value;
}

// The result of a syscall as JavaScript sees it: the value, or -errno. `error` must have been saved
// right after the call.
inline napi_value Result(napi_env env, long result, int error) {
	return Number(env, static_cast<double>(result < 0 ? -error : result));
}

}  // namespace skep
