/* Maps: single elements and batches, as a C program does it. */

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "floor.h"

enum { KEY_SIZE = 16, VALUE_SIZE = 56 };

struct flows {
	int fd;
	uint8_t *keys;
	uint32_t *order;
	size_t count;
};

/* The first three arguments: fd, keys, and the order to take them in. */
static bool read_flows(napi_env env, napi_value *args, struct flows *flows)
{
	struct bytes keys = floor_bytes(env, args[1]);
	struct bytes order = floor_bytes(env, args[2]);
	bool pending = false;

	flows->fd = (int)floor_u32(env, args[0]);
	flows->keys = keys.data;
	flows->order = order.data;
	flows->count = order.size / sizeof(uint32_t);
	napi_is_exception_pending(env, &pending);
	if (pending)
		return false;
	for (size_t i = 0; i < flows->count; i++) {
		if ((size_t)flows->order[i] * KEY_SIZE + KEY_SIZE <= keys.size)
			continue;
		napi_throw_range_error(env, NULL, "order: no such key");
		return false;
	}
	return true;
}

/* lookup(fd, keys, order) -> number of keys that were there */
napi_value floor_lookup(napi_env env, napi_callback_info info)
{
	uint8_t value[VALUE_SIZE];
	struct flows flows;
	napi_value args[3];
	uint32_t hits = 0;

	if (!floor_args(env, info, args, 3) || !read_flows(env, args, &flows))
		return NULL;
	for (size_t i = 0; i < flows.count; i++) {
		if (bpf_map_lookup_elem(flows.fd, flows.keys + (size_t)flows.order[i] * KEY_SIZE, value) == 0)
			hits++;
	}
	return floor_number(env, hits);
}

/* update(fd, keys, order, value) -> number of keys written */
napi_value floor_update(napi_env env, napi_callback_info info)
{
	struct flows flows;
	struct bytes value;
	napi_value args[4];
	uint32_t done = 0;

	if (!floor_args(env, info, args, 4) || !read_flows(env, args, &flows))
		return NULL;
	value = floor_bytes(env, args[3]);
	if (value.size < VALUE_SIZE)
		return floor_throw(env, "update", EINVAL);
	for (size_t i = 0; i < flows.count; i++) {
		if (bpf_map_update_elem(flows.fd, flows.keys + (size_t)flows.order[i] * KEY_SIZE,
					value.data, BPF_ANY) == 0)
			done++;
	}
	return floor_number(env, done);
}

/* fill(fd, keys, values) -> number of elements written in batches of 4096 */
napi_value floor_fill(napi_env env, napi_callback_info info)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	struct bytes keys, values;
	napi_value args[3];
	size_t total;
	int fd;

	if (!floor_args(env, info, args, 3))
		return NULL;
	fd = (int)floor_u32(env, args[0]);
	keys = floor_bytes(env, args[1]);
	values = floor_bytes(env, args[2]);
	total = keys.size / KEY_SIZE;
	if (values.size < total * VALUE_SIZE)
		return floor_throw(env, "fill", EINVAL);
	for (size_t first = 0; first < total;) {
		uint32_t count = total - first < 4096 ? (uint32_t)(total - first) : 4096;

		if (bpf_map_update_batch(fd, (uint8_t *)keys.data + first * KEY_SIZE,
					 (uint8_t *)values.data + first * VALUE_SIZE, &count, &options) < 0)
			return floor_throw(env, "bpf_map_update_batch", errno);
		first += count;
	}
	return floor_number(env, (double)total);
}

/* dump(fd, batch) -> number of elements read */
napi_value floor_dump(napi_env env, napi_callback_info info)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	uint8_t *keys = NULL, *values = NULL;
	uint64_t cursor[2] = {};
	napi_value args[2];
	uint32_t batch;
	double total = 0;
	int error = 0;
	int fd;

	if (!floor_args(env, info, args, 2))
		return NULL;
	fd = (int)floor_u32(env, args[0]);
	batch = floor_u32(env, args[1]);
	keys = malloc((size_t)batch * KEY_SIZE);
	values = malloc((size_t)batch * VALUE_SIZE);
	if (keys == NULL || values == NULL)
		error = ENOMEM;
	for (bool first = true; error == 0; first = false) {
		uint32_t count = batch;

		if (bpf_map_lookup_batch(fd, first ? NULL : cursor, cursor, keys, values, &count, &options) < 0)
			error = errno;
		if (error == 0 || error == ENOENT)
			total += count;
	}
	free(keys);
	free(values);
	return error == ENOENT ? floor_number(env, total) : floor_throw(env, "bpf_map_lookup_batch", error);
}
