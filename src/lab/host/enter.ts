/** The command line by which a program starts in a host's cgroup and network namespace. */

/** Where a program is to run. */
export interface Place {
	/** Path of the network namespace. */
	readonly netns: string;
	/** Path of the cgroup. */
	readonly cgroup: string;
}

/** Enters the cgroup first: with it goes whatever is started from then on. */
const script = 'echo 0 > "$1/cgroup.procs" && shift && exec nsenter "$@"';

/** To be started as it is; it becomes the program itself. *Requires:* `sh`, `nsenter` of util-linux. */
export function enterCommand(
	{netns, cgroup}: Place,
	command: string,
	args: readonly string[],
): [string, ...string[]] {
	return ['sh', '-c', script, 'sh', cgroup, `--net=${netns}`, '--', command, ...args];
}
