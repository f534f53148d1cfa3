// The functions that JavaScript sees; each is described where it is defined.
#pragma once

#include <node_api.h>

namespace skep {

napi_value Bpf(napi_env env, napi_callback_info info);
napi_value BpfAsync(napi_env env, napi_callback_info info);
napi_value MapTypes(napi_env env, napi_callback_info info);
napi_value MapLookup(napi_env env, napi_callback_info info);
napi_value MapUpdate(napi_env env, napi_callback_info info);
napi_value MapDelete(napi_env env, napi_callback_info info);
napi_value MapNextKey(napi_env env, napi_callback_info info);
napi_value ObjectInfo(napi_env env, napi_callback_info info);
napi_value MemoryMap(napi_env env, napi_callback_info info);
napi_value MemoryRead(napi_env env, napi_callback_info info);
napi_value MemoryWrite(napi_env env, napi_callback_info info);
napi_value ReleaseMemory(napi_env env, napi_callback_info info);
napi_value RingOpen(napi_env env, napi_callback_info info);
napi_value RingRead(napi_env env, napi_callback_info info);
napi_value RingPending(napi_env env, napi_callback_info info);
napi_value UserRingOpen(napi_env env, napi_callback_info info);
napi_value UserRingWrite(napi_env env, napi_callback_info info);
napi_value PollOpen(napi_env env, napi_callback_info info);
napi_value PollAdd(napi_env env, napi_callback_info info);
napi_value PollWait(napi_env env, napi_callback_info info);
napi_value PollStop(napi_env env, napi_callback_info info);
napi_value PerfEventOpen(napi_env env, napi_callback_info info);
napi_value PerfRingOpen(napi_env env, napi_callback_info info);
napi_value PerfRingPending(napi_env env, napi_callback_info info);
napi_value PerfRingRead(napi_env env, napi_callback_info info);
napi_value InterfaceIndex(napi_env env, napi_callback_info info);
napi_value InterfaceName(napi_env env, napi_callback_info info);
napi_value InterfaceMac(napi_env env, napi_callback_info info);
napi_value Interfaces(napi_env env, napi_callback_info info);
napi_value PerfEventEnable(napi_env env, napi_callback_info info);
napi_value PerfEventSetProgram(napi_env env, napi_callback_info info);
napi_value SocketProgram(napi_env env, napi_callback_info info);
napi_value LockFolder(napi_env env, napi_callback_info info);
napi_value SetFolderLock(napi_env env, napi_callback_info info);
napi_value MaglevTable(napi_env env, napi_callback_info info);
napi_value Netlink(napi_env env, napi_callback_info info);
napi_value NetnsCreate(napi_env env, napi_callback_info info);
napi_value NetnsCookie(napi_env env, napi_callback_info info);
napi_value NetnsOpen(napi_env env, napi_callback_info info);
napi_value SocketOpen(napi_env env, napi_callback_info info);
napi_value Ethtool(napi_env env, napi_callback_info info);
napi_value PacketOpen(napi_env env, napi_callback_info info);
napi_value PacketRead(napi_env env, napi_callback_info info);
napi_value PacketDrops(napi_env env, napi_callback_info info);

}  // namespace skep
