// The kernel's type information, mapped rather than read.

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "args.h"
#include "sys.h"

namespace skep {
namespace {

constexpr size_t kPathSize = 4096;

class OpenFile {
public:
	explicit OpenFile(const char* path) : fd_(open(path, O_RDONLY | O_CLOEXEC)) {}
	~OpenFile() {
		if (fd_ >= 0) close(fd_);
	}
	OpenFile(const OpenFile&) = delete;
	OpenFile& operator=(const OpenFile&) = delete;
	int number() const { return fd_; }

private:
	int fd_;
};

// Where a file was mapped, or why it was not.
struct Mapping {
	void* address = nullptr;
	size_t size = 0;
	int error = 0;
};

// Files of sysfs only: one that could be truncated would take the process with it.
Mapping MapFile(const char* path) {
	const OpenFile file(path);
	struct statfs filesystem = {};
	struct stat status = {};
	if (file.number() < 0 || fstatfs(file.number(), &filesystem) < 0 || fstat(file.number(), &status) < 0)
		return {nullptr, 0, errno};
	if (filesystem.f_type != SYSFS_MAGIC || !S_ISREG(status.st_mode) || status.st_size <= 0)
		return {nullptr, 0, EOPNOTSUPP};

	const size_t size = static_cast<size_t>(status.st_size);
	void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
	if (address == MAP_FAILED) return {nullptr, 0, errno};
	return {address, size, 0};
}

void Unmap(napi_env, void* address, void* size) {
	munmap(address, reinterpret_cast<size_t>(size));
}

}  // namespace

// mapTypes(path) -> ArrayBuffer | -errno
//
// A BTF file of sysfs without a copy, until the buffer is collected; -ENODEV before Linux 6.16. The
// pages are the kernel's own and read-only: a write to the buffer ends the process.
napi_value MapTypes(napi_env env, napi_callback_info info) {
	std::array<char, kPathSize> path{};
	if (!Args(env, info).Text("path", &path).Ok()) return nullptr;
	const Mapping mapping = MapFile(path.data());
	if (mapping.error != 0) return Number(env, -mapping.error);

	napi_value buffer = nullptr;
	void* hint = reinterpret_cast<void*>(mapping.size);
	const napi_status status =
		napi_create_external_arraybuffer(env, mapping.address, mapping.size, Unmap, hint, &buffer);
	if (status == napi_ok) return buffer;
	// Some builds of the engine take no memory but their own. After any other failure, as where no
	// JavaScript can run any more, the buffer may be half made and be unmapped with it.
	if (status == napi_no_external_buffers_allowed) munmap(mapping.address, mapping.size);
	return Number(env, -EOPNOTSUPP);
}

}  // namespace skep
