// Look-up tables of Maglev: too long a calculation for the event loop.

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "args.h"
#include "sys.h"

namespace skep {
namespace {

// Primes, so that every step leads through the whole table.
constexpr std::array<uint32_t, 10> kSizes = {251,  509,   1021,  2039,  4093,
                                             8191, 16381, 32749, 65521, 131071};
constexpr uint32_t kEmpty = UINT32_MAX;

struct Hash {
	uint64_t first;
	uint64_t second;
};

uint64_t Rotate(uint64_t value, int by) { return value << by | value >> (64 - by); }

uint64_t Finish(uint64_t value) {
	value ^= value >> 33;
	value *= 0xff51afd7ed558ccdULL;
	value ^= value >> 33;
	value *= 0xc4ceb9fe1a85ec53ULL;
	return value ^ value >> 33;
}

// MurmurHash3 for 64-bit machines, 128 bits. Words are read as little-endian on every machine.
Hash Murmur3(const uint8_t* data, size_t size, uint32_t seed) {
	constexpr uint64_t kFirst = 0x87c37b91114253d5ULL;
	constexpr uint64_t kSecond = 0x4cf5ad432745937fULL;
	const auto word = [data](size_t at, size_t count) {
		uint64_t value = 0;
		for (size_t i = count; i-- > 0;) value = value << 8 | data[at + i];
		return value;
	};
	const auto mix1 = [](uint64_t k) { return Rotate(k * kFirst, 31) * kSecond; };
	const auto mix2 = [](uint64_t k) { return Rotate(k * kSecond, 33) * kFirst; };
	uint64_t h1 = seed;
	uint64_t h2 = seed;
	size_t at = 0;
	for (; at + 16 <= size; at += 16) {
		h1 = (Rotate(h1 ^ mix1(word(at, 8)), 27) + h2) * 5 + 0x52dce729;
		h2 = (Rotate(h2 ^ mix2(word(at + 8, 8)), 31) + h1) * 5 + 0x38495ab5;
	}
	const size_t rest = size - at;
	if (rest > 8) h2 ^= mix2(word(at + 8, rest - 8));
	if (rest > 0) h1 ^= mix1(word(at, rest < 8 ? rest : 8));
	h1 ^= size;
	h2 ^= size;
	h1 += h2;
	h2 += h1;
	h1 = Finish(h1);
	h2 = Finish(h2);
	h1 += h2;
	return {h1, h2 + h1};
}

struct Backend {
	uint32_t id;
	uint32_t weight;
	// Where it looks for a free place next, and how far it goes from there.
	uint32_t place;
	uint32_t skip;
	double counter;
};

// Backends take turns, each at the next place of its own order that is free. Where weights count,
// one whose turns are ahead of its share is passed over.
std::vector<uint32_t> FillTable(std::vector<Backend>& backends, uint32_t size) {
	std::vector<uint32_t> table(size, kEmpty);
	const size_t count = backends.size();
	uint64_t sum = 0;
	for (const Backend& backend : backends) sum += backend.weight;
	const bool weighted = sum / count > 1;
	for (Backend& backend : backends)
		backend.counter = static_cast<double>(backend.weight) / static_cast<double>(count);
	for (uint64_t turn = 0; turn < size; turn++) {
		size_t i = turn % count;
		while (weighted && (turn + 1) * backends[i].weight < static_cast<uint64_t>(backends[i].counter))
			i = (i + 1) % count;
		Backend& backend = backends[i];
		backend.counter += static_cast<double>(sum);
		while (table[backend.place] != kEmpty) backend.place = (backend.place + backend.skip) % size;
		table[backend.place] = backend.id;
	}
	return table;
}

// One table on the thread pool.
class Build {
public:
	Build(napi_env env, uint32_t size, uint32_t seed) : env_(env), size_(size), seed_(seed) {}
	Build(const Build&) = delete;
	Build& operator=(const Build&) = delete;
	~Build() {
		if (work_ != nullptr) napi_delete_async_work(env_, work_);
	}

	// Copies what JavaScript may change; false where the lengths do not agree.
	bool Take(const ByteSpan& names, const ByteSpan& words) {
		const size_t count = words.size / kRecord;
		if (count == 0 || count * kRecord != words.size) return false;
		names_.assign(names.data, names.data + names.size);
		size_t total = 0;
		for (size_t i = 0; i < count; i++) {
			std::array<uint32_t, 3> record;
			std::memcpy(record.data(), words.data + i * kRecord, kRecord);
			const auto [length, id, weight] = record;
			if (length > names.size - total || id == kEmpty || weight == 0 || weight > UINT16_MAX)
				return false;
			total += length;
			lengths_.push_back(length);
			backends_.push_back({id, weight, 0, 0, 0});
		}
		return total == names.size;
	}

	static napi_value Start(std::unique_ptr<Build> build) {
		const napi_env env = build->env_;
		napi_value promise = nullptr;
		if (napi_create_async_work(
				env, nullptr, Text(env, "skep.maglev"), Execute, Complete, build.get(), &build->work_
			) != napi_ok ||
		    napi_create_promise(env, &build->deferred_, &promise) != napi_ok ||
		    napi_queue_async_work(env, build->work_) != napi_ok)
			return nullptr;
		// Complete takes it back.
		static_cast<void>(build.release());
		return promise;
	}

private:
	static constexpr size_t kRecord = 3 * sizeof(uint32_t);

	static void Execute(napi_env, void* data) {
		Build& build = *static_cast<Build*>(data);
		const uint8_t* name = build.names_.data();
		for (size_t i = 0; i < build.backends_.size(); i++) {
			const Hash hash = Murmur3(name, build.lengths_[i], build.seed_);
			name += build.lengths_[i];
			build.backends_[i].place = static_cast<uint32_t>(hash.first % build.size_);
			build.backends_[i].skip = static_cast<uint32_t>(hash.second % (build.size_ - 1)) + 1;
		}
		build.table_ = FillTable(build.backends_, build.size_);
	}

	static void Complete(napi_env env, napi_status status, void* data) {
		const std::unique_ptr<Build> build(static_cast<Build*>(data));
		if (status == napi_cancelled) return;
		void* bytes = nullptr;
		napi_value buffer = nullptr;
		const size_t size = build->table_.size() * sizeof(uint32_t);
		if (napi_create_arraybuffer(env, size, &bytes, &buffer) != napi_ok) {
			napi_resolve_deferred(env, build->deferred_, Number(env, -ENOMEM));
			return;
		}
		std::memcpy(bytes, build->table_.data(), size);
		napi_resolve_deferred(env, build->deferred_, buffer);
	}

	napi_env env_;
	uint32_t size_;
	uint32_t seed_;
	std::vector<uint8_t> names_;
	std::vector<uint32_t> lengths_;
	std::vector<Backend> backends_;
	std::vector<uint32_t> table_;
	napi_async_work work_ = nullptr;
	napi_deferred deferred_ = nullptr;
};

}  // namespace

// maglevTable(size, seed, names, records) -> Promise<ArrayBuffer | number> | number
//
// The look-up table of backends, as many ids as its size says, on the thread pool. `names` holds the
// backends' names one after the other, in the order in which they take turns; `records` three words
// of this machine for each: length of the name, id, weight. -EINVAL where these do not agree or the
// size is none of those that Maglev has here; -ENOMEM.
napi_value MaglevTable(napi_env env, napi_callback_info info) {
	uint32_t size = 0;
	uint32_t seed = 0;
	ByteSpan names;
	ByteSpan records;
	if (!Args(env, info).Uint32("size", &size).Uint32("seed", &seed).Bytes("names", &names).Bytes("records", &records).Ok())
		return nullptr;
	bool known = false;
	for (const uint32_t each : kSizes) known = known || each == size;
	auto build = std::make_unique<Build>(env, size, seed);
	if (!known || !build->Take(names, records)) return Number(env, -EINVAL);
	return Build::Start(std::move(build));
}

}  // namespace skep
