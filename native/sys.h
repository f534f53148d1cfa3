// The functions that JavaScript sees; each is described where it is defined.
#pragma once

#include <napi.h>

namespace skep {

Napi::Value Bpf(const Napi::CallbackInfo& info);
Napi::Value BpfAsync(const Napi::CallbackInfo& info);
napi_value MapLookup(napi_env env, napi_callback_info info);
napi_value MapUpdate(napi_env env, napi_callback_info info);
napi_value MapDelete(napi_env env, napi_callback_info info);
napi_value MapNextKey(napi_env env, napi_callback_info info);
Napi::Value ObjectInfo(const Napi::CallbackInfo& info);
Napi::Value InterfaceIndex(const Napi::CallbackInfo& info);
Napi::Value InterfaceName(const Napi::CallbackInfo& info);
Napi::Value Interfaces(const Napi::CallbackInfo& info);
Napi::Value InterfaceXdp(const Napi::CallbackInfo& info);

}  // namespace skep
