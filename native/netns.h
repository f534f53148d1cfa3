// Runs one call inside another network namespace.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <cerrno>

namespace skep {

// Calls `work` on a thread of its own that ends with the call, and returns its result with errno
// saved in `error`: what the thread does to its own namespaces ends with it.
template <typename Work>
long OnOwnThread(int* error, Work work) {
	struct Job {
		Work& work;
		long result = -1;
		int error = 0;
	} job{work};

	// Not std::thread: where no thread can be started it ends the process.
	const auto run = [](void* data) -> void* {
		Job& job = *static_cast<Job*>(data);
		job.result = job.work();
		job.error = errno;
		return nullptr;
	};
	pthread_t thread;
	*error = pthread_create(&thread, nullptr, run, &job);
	if (*error != 0) return -1;
	pthread_join(thread, nullptr);
	*error = job.error;
	return job.result;
}

// Calls `work` in the network namespace `netns_fd`, or here when it is -1, and returns its result
// with errno saved in `error`. No thread of Node's ever changes its namespace.
template <typename Work>
long InNetns(int netns_fd, int* error, Work work) {
	if (netns_fd < 0) {
		const long result = work();
		*error = errno;
		return result;
	}
	return OnOwnThread(error, [&]() -> long {
		return setns(netns_fd, CLONE_NEWNET) < 0 ? -1 : static_cast<long>(work());
	});
}

}  // namespace skep
