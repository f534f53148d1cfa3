// Programs of a socket, by setsockopt(2).

#include <sys/socket.h>

#include <cerrno>

#include "args.h"
#include "sys.h"

namespace skep {

// socketProgram(fd, option, program) -> 0 | -errno
//
// Sets a socket's filter (option 50, SO_ATTACH_BPF) or its group's selector (52,
// SO_ATTACH_REUSEPORT_EBPF), or takes it away (27, 68, with any `program`).
napi_value SocketProgram(napi_env env, napi_callback_info info) {
	int fd = -1;
	uint32_t option = 0;
	int program = -1;
	if (!Args(env, info).Fd(&fd).Uint32("option", &option).OptionalFd("program", &program).Ok())
		return nullptr;
	constexpr uint32_t kOptions[] = {SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_EBPF, SO_DETACH_FILTER, SO_DETACH_REUSEPORT_BPF};
	bool known = false;
	for (const uint32_t each : kOptions) known = known || each == option;
	if (!known) return ThrowRange(env, "option: not one that is about programs");
	const long result = setsockopt(fd, SOL_SOCKET, static_cast<int>(option), &program, sizeof(program));
	const int error = errno;
	return Result(env, result, error);
}

}  // namespace skep
