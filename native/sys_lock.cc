// Locks that end with their process.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "args.h"
#include "env_state.h"
#include "sys.h"

namespace skep {

// lockFolder(path) -> fd | -errno
//
// Takes the lock of a folder for the descriptor alone, without waiting: -EWOULDBLOCK where another
// descriptor has it. It ends when the descriptor is closed, with the process at the latest.
napi_value LockFolder(napi_env env, napi_callback_info info) {
	std::array<char, 4096> path{};
	if (!Args(env, info).Text("path", &path).Ok()) return nullptr;
	const int fd = open(path.data(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return Result(env, fd, errno);
	const int locked = flock(fd, LOCK_EX | LOCK_NB);
	const int error = errno;
	if (locked < 0) {
		close(fd);
		return Result(env, locked, error);
	}
	EnvState::Of(env).Own(fd, FdKind::kOther);
	return Result(env, fd, 0);
}

// setFolderLock(fd, on) -> 0 | -errno
//
// Takes the lock of a folder that lockFolder opened once more, without waiting, or gives it back.
napi_value SetFolderLock(napi_env env, napi_callback_info info) {
	int fd = -1;
	uint32_t on = 0;
	if (!Args(env, info).Fd(&fd).Uint32("on", &on).Ok()) return nullptr;
	FdKind kind;
	if (!EnvState::Of(env).KindOf(fd, &kind) || kind != FdKind::kOther)
		return Result(env, -1, EBADF);
	const int result = flock(fd, on != 0 ? LOCK_EX | LOCK_NB : LOCK_UN);
	return Result(env, result, errno);
}

}  // namespace skep
