// perf_event_open(2), and what is done with its descriptors: perf events carry programs to probes
// and tracepoints.

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "args.h"
#include "env_state.h"
#include "sys.h"

namespace skep {
namespace {

// struct perf_event_attr as far as it is known here, with room for newer fields, which stay zero.
constexpr size_t kAttrCapacity = 256;
constexpr size_t kAttrSizeField = 4;

}  // namespace

// perfEventOpen(attr, name, pid, cpu) -> fd | -errno
//
// One perf event. `attr` is an image of struct perf_event_attr; `name`, where not empty, is the
// probed function or file, whose address goes to config1. `pid` and `cpu` are -1 for any.
napi_value PerfEventOpen(napi_env env, napi_callback_info info) {
	ByteSpan attr;
	std::array<char, 4096> name{};
	int pid = -1;
	int cpu = -1;
	if (!Args(env, info).Bytes("attr", &attr).Text("name", &name).OptionalFd("pid", &pid).OptionalFd("cpu", &cpu).Ok())
		return nullptr;
	if (attr.size > kAttrCapacity || attr.size < PERF_ATTR_SIZE_VER0)
		return ThrowRange(env, "attr: not the length of a struct perf_event_attr");

	alignas(8) uint8_t image[kAttrCapacity] = {};
	std::memcpy(image, attr.data, attr.size);
	const uint32_t size = static_cast<uint32_t>(attr.size);
	std::memcpy(image + kAttrSizeField, &size, sizeof(size));
	if (name[0] != '\0') {
		const uint64_t address = reinterpret_cast<uint64_t>(name.data());
		std::memcpy(image + offsetof(perf_event_attr, config1), &address, sizeof(address));
	}
	const long result = syscall(__NR_perf_event_open, image, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	const int error = errno;
	if (result >= 0) EnvState::Of(env).Own(static_cast<int>(result), FdKind::kOther);
	return Result(env, result, error);
}

// perfEventEnable(fd, on) -> 0 | -errno
napi_value PerfEventEnable(napi_env env, napi_callback_info info) {
	int fd = -1;
	uint32_t on = 0;
	if (!Args(env, info).Fd(&fd).Uint32("on", &on).Ok()) return nullptr;
	const long result = ioctl(fd, on != 0 ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
	const int error = errno;
	return Result(env, result, error);
}

// perfEventSetProgram(fd, program) -> 0 | -errno
//
// Runs a program at each event, for as long as the event is open.
napi_value PerfEventSetProgram(napi_env env, napi_callback_info info) {
	int fd = -1;
	int program = -1;
	if (!Args(env, info).Fd(&fd).Fd(&program).Ok()) return nullptr;
	const long result = ioctl(fd, PERF_EVENT_IOC_SET_BPF, program);
	const int error = errno;
	return Result(env, result, error);
}

}  // namespace skep
