// How this addon says no: the kernel's refusals are returned as negative errno numbers, for
// TypeScript to put into words; only arguments that would be unsafe to pass on throw.
#pragma once

#include <napi.h>

#include <cerrno>
#include <string>

namespace skep {

inline Napi::Value ThrowType(Napi::Env env, const std::string& message) {
	Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
	return env.Undefined();
}

inline Napi::Value ThrowRange(Napi::Env env, const std::string& message) {
	Napi::RangeError::New(env, message).ThrowAsJavaScriptException();
	return env.Undefined();
}

// The result of a syscall as JavaScript sees it: the value, or -errno. `error` must have been saved
// right after the call.
inline Napi::Value Result(Napi::Env env, long result, int error) {
	return Napi::Number::New(env, result < 0 ? -error : static_cast<double>(result));
}

}  // namespace skep
