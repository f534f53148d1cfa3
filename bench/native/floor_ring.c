/* Ring buffers, as a C program reads them. */

#include <bpf/libbpf.h>
#include <errno.h>

#include "floor.h"

struct seen {
	uint64_t events;
	uint64_t sum;
};

static int see(void *context, void *data, size_t size)
{
	struct seen *seen = context;

	if (size < 36)
		return -EINVAL;
	seen->events++;
	seen->sum += *(uint32_t *)((uint8_t *)data + 28);
	return 0;
}

static struct seen seen;
static struct ring_buffer *ring;

/* openRing(fd): the ring that consumeRing reads. */
napi_value floor_open_ring(napi_env env, napi_callback_info info)
{
	napi_value args[1];

	if (!floor_args(env, info, args, 1))
		return NULL;
	ring_buffer__free(ring);
	ring = ring_buffer__new((int)floor_u32(env, args[0]), see, &seen, NULL);
	return ring == NULL ? floor_throw(env, "ring_buffer__new", errno) : floor_number(env, 0);
}

/* consumeRing() -> number of events that were there, of each of which a field was read */
napi_value floor_consume_ring(napi_env env, napi_callback_info info)
{
	int result;

	(void)info;
	seen = (struct seen){};
	result = ring_buffer__consume(ring);
	return result < 0 ? floor_throw(env, "ring_buffer__consume", -result)
			  : floor_number(env, (double)seen.events);
}
