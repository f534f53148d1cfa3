// Runs one call inside another network namespace.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <cerrno>

namespace skep {

// Calls `work` in the network namespace `netns_fd`, or here when it is -1, and returns its result
// with errno saved in `error`. The namespace is entered on a thread of its own that ends with the
// call, so no thread of Node's ever changes its namespace.
template <typename Work>
long InNetns(int netns_fd, int* error, Work work) {
	struct Job {
		int netns_fd;
		Work& work;
		long result = -1;
		int error = 0;
	} job{netns_fd, work};
	if (netns_fd < 0) {
		job.result = work();
		*error = errno;
		return job.result;
	}

	// Not std::thread: where no thread can be started it ends the process.
	const auto run = [](void* data) -> void* {
		Job& job = *static_cast<Job*>(data);
		if (setns(job.netns_fd, CLONE_NEWNET) == 0) job.result = job.work();
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

}  // namespace skep
