/* Objects and types, as libbpf reads and loads them. */

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

#include "floor.h"

static napi_value open_object(napi_env env, napi_callback_info info, bool load)
{
	struct bpf_object *object;
	struct bytes file;
	napi_value args[1];
	int error = 0;

	if (!floor_args(env, info, args, 1))
		return NULL;
	file = floor_bytes(env, args[0]);
	object = bpf_object__open_mem(file.data, file.size, NULL);
	if (object == NULL)
		return floor_throw(env, "bpf_object__open_mem", errno);
	if (load)
		error = bpf_object__load(object);
	bpf_object__close(object);
	return error < 0 ? floor_throw(env, "bpf_object__load", -error) : floor_number(env, 0);
}

/* loadObject(file) -> 0: opens, loads and closes */
napi_value floor_load_object(napi_env env, napi_callback_info info)
{
	return open_object(env, info, true);
}

/* openObject(file) -> 0: opens and closes */
napi_value floor_open_object(napi_env env, napi_callback_info info)
{
	return open_object(env, info, false);
}

/* loadBtf(bytes) -> 0: gives types to the kernel and takes them back */
napi_value floor_load_btf(napi_env env, napi_callback_info info)
{
	struct bytes types;
	napi_value args[1];
	int fd;

	if (!floor_args(env, info, args, 1))
		return NULL;
	types = floor_bytes(env, args[0]);
	fd = bpf_btf_load(types.data, types.size, NULL);
	if (fd < 0)
		return floor_throw(env, "bpf_btf_load", errno);
	close(fd);
	return floor_number(env, 0);
}

/* findKernelType() -> id of struct task_struct in the running kernel's types */
napi_value floor_find_kernel_type(napi_env env, napi_callback_info info)
{
	struct btf *types;
	int id;

	(void)info;
	types = btf__load_vmlinux_btf();
	if (types == NULL)
		return floor_throw(env, "btf__load_vmlinux_btf", errno);
	id = btf__find_by_name_kind(types, "task_struct", BTF_KIND_STRUCT);
	btf__free(types);
	return id < 0 ? floor_throw(env, "btf__find_by_name_kind", -id) : floor_number(env, id);
}
