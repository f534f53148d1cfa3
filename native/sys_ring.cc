// Ring buffers between programs and user space. Whatever stands in the shared pages is doubted: who
// else has the map may have written there.

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "args.h"
#include "env_state.h"
#include "mapped.h"
#include "ring_table.h"
#include "sys.h"

namespace skep {
namespace {

constexpr uint32_t kRingbuf = 27;
constexpr uint32_t kUserRingbuf = 31;
// The header of a record: its length with two flags, and four bytes for the kernel.
constexpr uint32_t kHeader = 8;
constexpr uint32_t kBusy = 1U << 31;
constexpr uint32_t kDiscard = 1U << 30;

// A page for each position, and the data, which is mapped twice so that no record is in two pieces.
struct RingMemory : Resource {
	explicit RingMemory(ResourceKind kind) : Resource(kind) {}

	// 0, or errno. Positions are read-only where they are the other side's.
	int Map(int fd, uint32_t bytes, bool producing) {
		const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
		size = bytes;
		int error = consumer.Map(fd, 0, page, !producing);
		if (error == 0) error = producer.Map(fd, page, page + 2 * size, producing);
		if (error == 0) data = producer.data() + page;
		return error;
	}

	uint64_t* consumed() const { return reinterpret_cast<uint64_t*>(consumer.data()); }
	uint64_t* produced() const { return reinterpret_cast<uint64_t*>(producer.data()); }
	uint8_t* At(uint64_t position) const { return data + (position & (size - 1)); }

	Mapped consumer;
	Mapped producer;
	uint8_t* data = nullptr;
	uint64_t size = 0;
};

struct Ring : RingMemory {
	static constexpr ResourceKind kKind = ResourceKind::kRing;
	Ring() : RingMemory(kKind) {}
};

struct UserRing : RingMemory {
	static constexpr ResourceKind kKind = ResourceKind::kUserRing;
	UserRing() : RingMemory(kKind) {}
};

uint64_t RoundUp(uint64_t length) {
	return (length + 7) & ~uint64_t{7};
}

template <typename T>
napi_value Open(napi_env env, napi_callback_info info, uint32_t wanted) {
	int fd = -1;
	if (!Args(env, info).Fd(&fd).Ok()) return nullptr;
	EnvState& state = EnvState::Of(env);
	uint32_t type = 0;
	uint32_t size = 0;
	if (!state.IsMap(fd) || !state.TypeOf(fd, &type) || !state.EntriesOf(fd, &size))
		return ThrowRange(env, "fd " + std::to_string(fd) + " is not a map opened here");
	if (type != wanted) return Number(env, -EMEDIUMTYPE);
	auto ring = std::make_unique<T>();
	const int error = ring->Map(fd, size, wanted == kUserRingbuf);
	if (error != 0) return Number(env, -error);
	return Number(env, state.resources().Add(std::move(ring)));
}

// Copies whole records; what they take of `bytes` and of the ring, or -EBADMSG.
int64_t Scan(const Ring& ring, uint64_t from, uint64_t to, size_t capacity, RingTable* table) {
	if (to - from > ring.size) return -EBADMSG;
	uint64_t at = from;
	while (at < to) {
		const uint32_t header =
			__atomic_load_n(reinterpret_cast<const uint32_t*>(ring.At(at)), __ATOMIC_ACQUIRE);
		// Reserved and not committed yet: nothing behind it counts, however done it is.
		if ((header & kBusy) != 0) break;
		const uint32_t length = header & ~(kBusy | kDiscard);
		const uint64_t total = RoundUp(uint64_t{length} + kHeader);
		if (total > to - at) return -EBADMSG;
		if (at - from + total > capacity) {
			table->StopFor(at == from ? total : 0);
			break;
		}
		if ((header & kDiscard) != 0) {
			table->Discard();
		} else if (!table->Add(static_cast<uint32_t>(at - from) + kHeader, length)) {
			break;
		}
		at += total;
	}
	return static_cast<int64_t>(at - from);
}

// In pieces: some processors' string instructions, which memcpy takes for more, are slower.
void Copy(uint8_t* to, const uint8_t* from, size_t length) {
	constexpr size_t kPiece = 2048;
	size_t at = 0;
	for (; length - at > kPiece; at += kPiece) std::memcpy(to + at, from + at, kPiece);
	if (at < length) std::memcpy(to + at, from + at, length - at);
}

}  // namespace

// ringOpen(fd) -> number | -errno
//
// Maps a ring buffer's pages for reading.
napi_value RingOpen(napi_env env, napi_callback_info info) {
	return Open<Ring>(env, info, kRingbuf);
}

// userRingOpen(fd) -> number | -errno
//
// Maps a user ring buffer's pages for writing.
napi_value UserRingOpen(napi_env env, napi_callback_info info) {
	return Open<UserRing>(env, info, kUserRingbuf);
}

// ringRead(ring, bytes, table) -> count | -EBADMSG
//
// Moves whole records into `bytes`, until it or `table` is full. See RingTable for the table.
napi_value RingRead(napi_env env, napi_callback_info info) {
	uint32_t number = 0;
	ByteSpan bytes;
	ByteSpan list;
	if (!Args(env, info).Uint32("ring", &number).Bytes("bytes", &bytes).Bytes("table", &list).Ok())
		return nullptr;
	const Ring* ring = EnvState::Of(env).resources().Find<Ring>(number);
	if (ring == nullptr) return ThrowRange(env, "ring " + std::to_string(number) + " is not open here");
	RingTable table(list);
	if (!table.Ok()) return ThrowRange(env, "table: too short, or not at a multiple of 4");

	const uint64_t from = __atomic_load_n(ring->consumed(), __ATOMIC_RELAXED);
	const uint64_t to = __atomic_load_n(ring->produced(), __ATOMIC_ACQUIRE);
	if (from % 8 != 0) return Number(env, -EBADMSG);
	const int64_t taken = Scan(*ring, from, to, bytes.size, &table);
	if (taken < 0) return Number(env, static_cast<double>(taken));
	Copy(bytes.data, ring->At(from), static_cast<size_t>(taken));
	__atomic_store_n(ring->consumed(), from + static_cast<uint64_t>(taken), __ATOMIC_RELEASE);
	table.SetTaken(static_cast<uint32_t>(taken));
	return Number(env, table.count());
}

// ringPending(ring) -> number
//
// Bytes that wait to be read.
napi_value RingPending(napi_env env, napi_callback_info info) {
	uint32_t number = 0;
	if (!Args(env, info).Uint32("ring", &number).Ok()) return nullptr;
	const Ring* ring = EnvState::Of(env).resources().Find<Ring>(number);
	if (ring == nullptr) return ThrowRange(env, "ring " + std::to_string(number) + " is not open here");
	const uint64_t from = __atomic_load_n(ring->consumed(), __ATOMIC_RELAXED);
	const uint64_t to = __atomic_load_n(ring->produced(), __ATOMIC_ACQUIRE);
	return Number(env, static_cast<double>(to - from));
}

// userRingWrite(ring, bytes) -> 0 | -ENOSPC | -E2BIG | -EBADMSG
//
// Appends one record; -ENOSPC while programs have not made room for it, -E2BIG when they never can.
napi_value UserRingWrite(napi_env env, napi_callback_info info) {
	uint32_t number = 0;
	ByteSpan bytes;
	if (!Args(env, info).Uint32("ring", &number).Bytes("bytes", &bytes).Ok()) return nullptr;
	const UserRing* ring = EnvState::Of(env).resources().Find<UserRing>(number);
	if (ring == nullptr) return ThrowRange(env, "ring " + std::to_string(number) + " is not open here");

	const uint64_t consumed = __atomic_load_n(ring->consumed(), __ATOMIC_ACQUIRE);
	const uint64_t produced = __atomic_load_n(ring->produced(), __ATOMIC_RELAXED);
	const uint64_t total = RoundUp(bytes.size + kHeader);
	if (produced - consumed > ring->size || produced % 8 != 0) return Number(env, -EBADMSG);
	if (total > ring->size || bytes.size >= kDiscard) return Number(env, -E2BIG);
	if (total > ring->size - (produced - consumed)) return Number(env, -ENOSPC);

	uint8_t* at = ring->At(produced);
	const uint32_t header[2] = {static_cast<uint32_t>(bytes.size), 0};
	std::memcpy(at, header, sizeof(header));
	if (bytes.size > 0) std::memcpy(at + kHeader, bytes.data, bytes.size);
	__atomic_store_n(ring->produced(), produced + total, __ATOMIC_RELEASE);
	return Number(env, 0);
}

}  // namespace skep
