import {EbpfError} from '../../base/errors.js';
import {mountsOf} from './mounts.js';

/** No cgroup v2 hierarchy is mounted. */
export class CgroupError extends EbpfError {
	static {
		this.prototype.name = 'CgroupError';
	}

	readonly code = 'ERR_CGROUP';
}

/** Where the cgroup v2 hierarchy is mounted. *Throws:* `ERR_CGROUP` when it is not. */
export function cgroupRoot(): string {
	const mount = mountsOf('cgroup2')[0];
	if (mount === undefined) {
		throw new CgroupError(
			"find cgroups: no cgroup v2 hierarchy is mounted; 'mount -t cgroup2 none /sys/fs/cgroup'",
		);
	}

	return mount.path;
}
