// The rings that perf events write to.

#include <linux/perf_event.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "args.h"
#include "env_state.h"
#include "mapped.h"
#include "ring_table.h"
#include "sys.h"

namespace skep {
namespace {

struct PerfRing : Resource {
	static constexpr ResourceKind kKind = ResourceKind::kPerfRing;
	PerfRing() : Resource(kKind) {}

	perf_event_mmap_page* page() const { return reinterpret_cast<perf_event_mmap_page*>(mapped.data()); }

	// Copies bytes that may be in two pieces.
	void Copy(uint64_t from, size_t length, uint8_t* to) const {
		const size_t offset = static_cast<size_t>(from & (size - 1));
		const size_t first = std::min<size_t>(length, size - offset);
		std::memcpy(to, data + offset, first);
		std::memcpy(to + first, data, length - first);
	}

	Mapped mapped;
	const uint8_t* data = nullptr;
	uint64_t size = 0;
};

// Adds one record to the table and its bytes to `bytes` from `used` on. False leaves it for later.
bool Take(
	const PerfRing& ring, uint64_t at, const perf_event_header& header, const ByteSpan& bytes,
	size_t* used, RingTable* table
) {
	const uint64_t body = at + sizeof(header);
	const size_t size = header.size - sizeof(header);
	if (header.type == PERF_RECORD_LOST && size >= 16) {
		uint64_t lost = 0;
		ring.Copy(body + 8, sizeof(lost), reinterpret_cast<uint8_t*>(&lost));
		table->Lose(lost);
	} else if (header.type == PERF_RECORD_SAMPLE && size >= sizeof(uint32_t)) {
		uint32_t length = 0;
		ring.Copy(body, sizeof(length), reinterpret_cast<uint8_t*>(&length));
		length = std::min<uint32_t>(length, static_cast<uint32_t>(size - sizeof(length)));
		const size_t padded = (size_t{length} + 7) & ~size_t{7};
		if (padded > bytes.size - *used) {
			table->StopFor(*used == 0 ? padded : 0);
			return false;
		}
		if (!table->Add(static_cast<uint32_t>(*used), length)) return false;
		ring.Copy(body + sizeof(length), length, bytes.data + *used);
		*used += padded;
	}
	return true;
}

}  // namespace

// perfRingOpen(fd, pages) -> number | -errno
//
// Maps the ring of an event: a power of two of pages of data.
napi_value PerfRingOpen(napi_env env, napi_callback_info info) {
	int fd = -1;
	uint32_t pages = 0;
	FdKind kind = FdKind::kNone;
	if (!Args(env, info).Fd(&fd).Uint32("pages", &pages).Ok()) return nullptr;
	EnvState& state = EnvState::Of(env);
	if (!state.KindOf(fd, &kind) || kind != FdKind::kOther)
		return ThrowRange(env, "fd " + std::to_string(fd) + " is not an event opened here");
	if (pages == 0 || (pages & (pages - 1)) != 0 || pages > (1U << 20))
		return ThrowRange(env, "pages: expected a power of two");
	const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	auto ring = std::make_unique<PerfRing>();
	const int error = ring->mapped.Map(fd, 0, page + pages * page, true);
	if (error != 0) return Number(env, -error);
	// What is no event may be mapped as well, and says nothing of the kind.
	if (ring->page()->data_size != pages * page || ring->page()->data_offset != page)
		return Number(env, -EINVAL);
	ring->data = ring->mapped.data() + page;
	ring->size = pages * page;
	return Number(env, state.resources().Add(std::move(ring)));
}

// perfRingRead(ring, bytes, table) -> count | -EBADMSG
//
// Moves samples into `bytes`, each at a multiple of 8, until it or `table` is full.
napi_value PerfRingRead(napi_env env, napi_callback_info info) {
	uint32_t number = 0;
	ByteSpan bytes;
	ByteSpan list;
	if (!Args(env, info).Uint32("ring", &number).Bytes("bytes", &bytes).Bytes("table", &list).Ok())
		return nullptr;
	const PerfRing* ring = EnvState::Of(env).resources().Find<PerfRing>(number);
	if (ring == nullptr) return ThrowRange(env, "ring " + std::to_string(number) + " is not open here");
	RingTable table(list);
	if (!table.Ok()) return ThrowRange(env, "table: too short, or not at a multiple of 4");

	const uint64_t from = __atomic_load_n(&ring->page()->data_tail, __ATOMIC_RELAXED);
	const uint64_t to = __atomic_load_n(&ring->page()->data_head, __ATOMIC_ACQUIRE);
	if (to - from > ring->size || from % 8 != 0) return Number(env, -EBADMSG);
	uint64_t at = from;
	size_t used = 0;
	while (at < to) {
		perf_event_header header = {};
		ring->Copy(at, sizeof(header), reinterpret_cast<uint8_t*>(&header));
		if (header.size < sizeof(header) || header.size > to - at || header.size % 8 != 0)
			return Number(env, -EBADMSG);
		if (!Take(*ring, at, header, bytes, &used, &table)) break;
		at += header.size;
	}
	__atomic_store_n(&ring->page()->data_tail, at, __ATOMIC_RELEASE);
	table.SetTaken(static_cast<uint32_t>(used));
	return Number(env, table.count());
}

// perfRingPending(ring) -> number
//
// Bytes that wait to be read.
napi_value PerfRingPending(napi_env env, napi_callback_info info) {
	uint32_t number = 0;
	if (!Args(env, info).Uint32("ring", &number).Ok()) return nullptr;
	const PerfRing* ring = EnvState::Of(env).resources().Find<PerfRing>(number);
	if (ring == nullptr) return ThrowRange(env, "ring " + std::to_string(number) + " is not open here");
	const uint64_t from = __atomic_load_n(&ring->page()->data_tail, __ATOMIC_RELAXED);
	const uint64_t to = __atomic_load_n(&ring->page()->data_head, __ATOMIC_ACQUIRE);
	return Number(env, static_cast<double>(to - from));
}

}  // namespace skep
