/*
 * Preloaded into node, leaves it CAP_NET_ADMIN, CAP_PERFMON and CAP_BPF alone. What it starts has
 * every capability again, as root has.
 */
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((constructor)) static void drop_capabilities(void)
{
	const unsigned int low = 1u << CAP_NET_ADMIN;
	const unsigned int high = 1u << (CAP_PERFMON - 32) | 1u << (CAP_BPF - 32);
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{low, low, 0}, {high, high, 0}};
	char path[PATH_MAX] = "";
	const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (length < 5 || strcmp(path + length - 5, "/node") != 0)
		return;
	if (syscall(SYS_capset, &header, data) != 0)
		abort();
}
