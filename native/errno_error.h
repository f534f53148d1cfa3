// How this addon says no: the kernel's refusals are returned as negative errno numbers, for
// TypeScript to put into words; only arguments that would be unsafe to pass on throw.
//
// Values are made through node-addon-api. What may fail for want of a JavaScript to run in, as in a
// worker that is being terminated, is asked of Node-API itself, and such a status ignored, for nobody
// is left to read the result: the wrapper would throw, and end the process where nothing can be thrown.
#pragma once

#include <napi.h>

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
	return Napi::Number::New(env, number);
}

inline napi_value Text(napi_env env, const char* text) {
	return Napi::String::New(env, text);
}

inline napi_value Null(napi_env env) {
	return Napi::Env(env).Null();
}

// The result of a syscall as JavaScript sees it: the value, or -errno. `error` must have been saved
// right after the call.
inline napi_value Result(napi_env env, long result, int error) {
	return Number(env, static_cast<double>(result < 0 ? -error : result));
}

}  // namespace skep
