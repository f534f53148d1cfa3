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

struct elements {
	int fd;
	uint8_t *keys, *values;
	size_t count, key_size, value_size;
};

/* The first four arguments: fd, keys, values, and how many of each. */
static bool read_elements(napi_env env, napi_value *args, struct elements *elements)
{
	struct bytes keys = floor_bytes(env, args[1]);
	struct bytes values = floor_bytes(env, args[2]);
	bool pending = false;

	elements->fd = (int)floor_u32(env, args[0]);
	elements->count = floor_u32(env, args[3]);
	napi_is_exception_pending(env, &pending);
	if (pending)
		return false;
	if (elements->count == 0 || keys.size % elements->count || values.size % elements->count) {
		napi_throw_range_error(env, NULL, "count: not of keys and values");
		return false;
	}
	elements->keys = keys.data;
	elements->values = values.data;
	elements->key_size = keys.size / elements->count;
	elements->value_size = values.size / elements->count;
	return true;
}

/* fill(fd, keys, values, count) -> number of elements written in batches of 4096 */
napi_value floor_fill(napi_env env, napi_callback_info info)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	struct elements all;
	napi_value args[4];

	if (!floor_args(env, info, args, 4) || !read_elements(env, args, &all))
		return NULL;
	for (size_t first = 0; first < all.count;) {
		uint32_t count = all.count - first < 4096 ? (uint32_t)(all.count - first) : 4096;

		if (bpf_map_update_batch(all.fd, all.keys + first * all.key_size,
					 all.values + first * all.value_size, &count, &options) < 0)
			return floor_throw(env, "bpf_map_update_batch", errno);
		first += count;
	}
	return floor_number(env, (double)all.count);
}

/* set(fd, keys, values, count) -> number of elements written one by one */
napi_value floor_set(napi_env env, napi_callback_info info)
{
	struct elements all;
	napi_value args[4];

	if (!floor_args(env, info, args, 4) || !read_elements(env, args, &all))
		return NULL;
	for (size_t i = 0; i < all.count; i++) {
		if (bpf_map_update_elem(all.fd, all.keys + i * all.key_size,
					all.values + i * all.value_size, BPF_ANY) < 0)
			return floor_throw(env, "bpf_map_update_elem", errno);
	}
	return floor_number(env, (double)all.count);
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
