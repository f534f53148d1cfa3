// Runs one call inside another cgroup.
#pragma once

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "netns.h"

namespace skep {

// Calls `work` in the cgroup `cgroup_fd` and the network namespace `netns_fd`, or here where one is
// -1, and returns its result with errno saved in `error`. Threads of one process cannot be in
// different cgroups: a process that ends with the call does it, which shares the descriptors and
// has a copy of the memory. So `work` must only make system calls.
template <typename Work>
long InCgroup(int cgroup_fd, int netns_fd, int* error, Work work) {
	if (cgroup_fd < 0) return InNetns(netns_fd, error, work);
	struct Answer {
		long result;
		int error;
	};
	void* const shared = mmap(nullptr, sizeof(Answer), PROT_READ | PROT_WRITE,
	                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		*error = errno;
		return -1;
	}
	Answer* const answer = static_cast<Answer*>(shared);
	// What stays when somebody kills it.
	*answer = {-1, ECANCELED};
	clone_args args = {};
	args.flags = CLONE_FILES | CLONE_INTO_CGROUP;
	args.cgroup = static_cast<uint64_t>(cgroup_fd);
	// Signals for this process are not the other's to handle.
	sigset_t all;
	sigset_t before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const pid_t pid = static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof(args)));
	const int refused = errno;
	if (pid == 0) {
		const bool entered = netns_fd < 0 || setns(netns_fd, CLONE_NEWNET) == 0;
		answer->result = entered ? static_cast<long>(work()) : -1;
		answer->error = errno;
		_exit(0);
	}
	if (pid < 0) answer->error = refused;
	else waitpid(pid, nullptr, __WALL);
	pthread_sigmask(SIG_SETMASK, &before, nullptr);
	const Answer copy = *answer;
	munmap(shared, sizeof(Answer));
	*error = copy.error;
	return copy.result;
}

}  // namespace skep
