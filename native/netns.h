// Runs one call inside another network namespace.
#pragma once

#include <sched.h>

#include <cerrno>
#include <system_error>
#include <thread>

namespace skep {

// Calls `work` in the network namespace `netns_fd`, or here when it is -1, and returns its result
// with errno saved in `error`. The namespace is entered on a thread of its own that ends with the
// call, so no thread of Node's ever changes its namespace.
template <typename Work>
long InNetns(int netns_fd, int* error, Work work) {
	long result = -1;
	if (netns_fd < 0) {
		result = work();
		*error = errno;
		return result;
	}
	std::thread thread([&] {
		if (setns(netns_fd, CLONE_NEWNET) < 0) {
			*error = errno;
			return;
		}
		result = work();
		*error = errno;
	});
	thread.join();
	return result;
}

}  // namespace skep
