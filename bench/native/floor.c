/* Entry of the addon, its arguments and the clock. */

#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "floor.h"

bool floor_args(napi_env env, napi_callback_info info, napi_value *args, size_t count)
{
	size_t given = count;

	napi_get_cb_info(env, info, &given, args, NULL, NULL);
	if (given >= count)
		return true;
	napi_throw_type_error(env, NULL, "too few arguments");
	return false;
}

struct bytes floor_bytes(napi_env env, napi_value value)
{
	napi_typedarray_type type;
	struct bytes bytes = {};
	size_t length = 0;

	if (napi_get_typedarray_info(env, value, &type, &length, &bytes.data, NULL, NULL) != napi_ok) {
		napi_throw_type_error(env, NULL, "expected a typed array");
		return bytes;
	}
	bytes.size = type == napi_uint32_array ? length * sizeof(uint32_t) : length;
	return bytes;
}

uint32_t floor_u32(napi_env env, napi_value value)
{
	uint32_t number = 0;

	if (napi_get_value_uint32(env, value, &number) != napi_ok)
		napi_throw_type_error(env, NULL, "expected a number");
	return number;
}

napi_value floor_number(napi_env env, double number)
{
	napi_value value = NULL;

	napi_create_double(env, number, &value);
	return value;
}

napi_value floor_throw(napi_env env, const char *call, int error)
{
	char message[128];

	snprintf(message, sizeof(message), "%s: %s", call, strerror(error));
	napi_throw_error(env, NULL, message);
	return NULL;
}

/* cpuTime() -> number: nanoseconds of CPU time of all threads of this process */
static napi_value cpu_time(napi_env env, napi_callback_info info)
{
	struct timespec now;

	(void)info;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return floor_number(env, (double)now.tv_sec * 1e9 + (double)now.tv_nsec);
}

static int print_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

NAPI_MODULE_INIT()
{
	static const struct {
		const char *name;
		napi_callback function;
	} functions[] = {
		{"cpuTime", cpu_time},
		{"lookup", floor_lookup},
		{"update", floor_update},
		{"fill", floor_fill},
		{"set", floor_set},
		{"dump", floor_dump},
		{"openRing", floor_open_ring},
		{"consumeRing", floor_consume_ring},
		{"loadObject", floor_load_object},
		{"openObject", floor_open_object},
		{"loadBtf", floor_load_btf},
		{"findKernelType", floor_find_kernel_type},
	};

	libbpf_set_print(print_nothing);
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		napi_value function;

		napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function,
				     NULL, &function);
		napi_set_named_property(env, exports, functions[i].name, function);
	}
	return exports;
}
