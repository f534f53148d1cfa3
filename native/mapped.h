// Memory shared with the kernel, given back when its owner ends.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace skep {

class Mapped {
public:
	Mapped() = default;
	~Mapped() {
		if (data_ != nullptr) munmap(data_, size_);
	}
	Mapped(const Mapped&) = delete;
	Mapped& operator=(const Mapped&) = delete;

	// 0, or errno.
	int Map(int fd, size_t offset, size_t size, bool writable) {
		const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
		void* address = mmap(nullptr, size, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
		if (address == MAP_FAILED) return errno;
		data_ = static_cast<uint8_t*>(address);
		size_ = size;
		return 0;
	}

	uint8_t* data() const { return data_; }
	size_t size() const { return size_; }

private:
	uint8_t* data_ = nullptr;
	size_t size_ = 0;
};

}  // namespace skep
