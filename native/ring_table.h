// Where the records of one read lie. The table is of u32: how many were discarded, or lost; whether
// more wait; the bytes that the next record needs where it is longer than the whole buffer; the bytes
// taken of the buffer; then offset and length of each record.
#pragma once

#include "args.h"

namespace skep {

class RingTable {
public:
	explicit RingTable(const ByteSpan& bytes)
		: words_(reinterpret_cast<uint32_t*>(bytes.data)), capacity_(bytes.size / 4) {
		ok_ = capacity_ >= kFirst + 2 && reinterpret_cast<uintptr_t>(bytes.data) % 4 == 0;
		for (size_t i = 0; ok_ && i < kFirst; i++) words_[i] = 0;
	}

	bool Ok() const { return ok_; }
	uint32_t count() const { return static_cast<uint32_t>((next_ - kFirst) / 2); }

	// False, and more wait, when the table is full.
	bool Add(uint32_t offset, uint32_t length) {
		if (next_ + 2 > capacity_) {
			words_[kMore] = 1;
			return false;
		}
		words_[next_++] = offset;
		words_[next_++] = length;
		return true;
	}

	void Discard() { words_[kLost]++; }
	void Lose(uint64_t count) {
		const uint64_t sum = words_[kLost] + count;
		words_[kLost] = sum > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(sum);
	}
	// A record is left for want of space; `needed` is 0 where emptying the buffer is enough.
	void StopFor(uint64_t needed) {
		words_[kMore] = 1;
		words_[kNeeded] = static_cast<uint32_t>(needed);
	}
	void SetTaken(uint32_t bytes) { words_[kTaken] = bytes; }

private:
	static constexpr size_t kLost = 0;
	static constexpr size_t kMore = 1;
	static constexpr size_t kNeeded = 2;
	static constexpr size_t kTaken = 3;
	static constexpr size_t kFirst = 4;

	uint32_t* words_;
	size_t capacity_;
	size_t next_ = kFirst;
	bool ok_ = false;
};

}  // namespace skep
