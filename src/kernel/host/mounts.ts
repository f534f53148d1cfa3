import {readFileSync} from 'node:fs';

/** A mounted filesystem of this process's mount namespace. */
export interface Mount {
	readonly path: string;
	/** `bpf`, `cgroup2`, … */
	readonly type: string;
}

/** All mounts of a type, in mount order; `mountinfo` is the text of /proc/PID/mountinfo. */
export function mountsOf(
	type: string,
	mountinfo = readFileSync('/proc/self/mountinfo', 'utf8'),
): Mount[] {
	const mounts: Mount[] = [];
	for (const line of mountinfo.split('\n')) {
		// ID PARENT MAJOR:MINOR ROOT PATH OPTIONS [FIELDS] - TYPE SOURCE OPTIONS
		const [head = '', tail = ''] = line.split(' - ', 2);
		const path = head.split(' ')[4];
		const mounted = tail.split(' ')[0];
		if (path !== undefined && mounted === type) mounts.push({path: unescape(path), type});
	}

	return mounts;
}

function unescape(path: string): string {
	return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
		String.fromCodePoint(Number.parseInt(octal, 8)),
	);
}
