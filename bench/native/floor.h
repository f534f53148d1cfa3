/* What the benchmark compares skep with: the same work in C on libbpf, in the same process. */
#ifndef SKEP_BENCH_FLOOR_H
#define SKEP_BENCH_FLOOR_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	void *data;
	size_t size;
};

/* Reads the arguments of a call into `args`; false with an exception pending when there are fewer
 * than `count`.
 */
bool floor_args(napi_env env, napi_callback_info info, napi_value *args, size_t count);
/* The bytes of a typed array; an exception is pending when it is none. */
struct bytes floor_bytes(napi_env env, napi_value value);
uint32_t floor_u32(napi_env env, napi_value value);
napi_value floor_number(napi_env env, double number);
/* Throws an error that names the call and `error`, an errno; gives NULL. */
napi_value floor_throw(napi_env env, const char *call, int error);

napi_value floor_lookup(napi_env env, napi_callback_info info);
napi_value floor_update(napi_env env, napi_callback_info info);
napi_value floor_fill(napi_env env, napi_callback_info info);
napi_value floor_set(napi_env env, napi_callback_info info);
napi_value floor_dump(napi_env env, napi_callback_info info);

napi_value floor_open_ring(napi_env env, napi_callback_info info);
napi_value floor_consume_ring(napi_env env, napi_callback_info info);

napi_value floor_load_object(napi_env env, napi_callback_info info);
napi_value floor_open_object(napi_env env, napi_callback_info info);
napi_value floor_load_btf(napi_env env, napi_callback_info info);
napi_value floor_find_kernel_type(napi_env env, napi_callback_info info);

#endif
