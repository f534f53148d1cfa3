import {readFileSync} from 'node:fs';

export interface Mount {
	/** What the file system calls its source: a device, or the name it was mounted with. */
	readonly source: string;
	readonly path: string;
	/** `bpf`, `cgroup2`, `tmpfs` ... */
	readonly type: string;
}

/** Every mount this process sees. */
export function listMounts(): Mount[] {
	return readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n').map(parseMount);
}

function parseMount(line: string): Mount {
	const fields = line.split(' ');
	// Optional fields come before the dash: their number varies.
	const dash = fields.indexOf('-', 6);
	const [path, type, source] = [fields[4], fields[dash + 1], fields[dash + 2]];
	if (path === undefined || type === undefined || source === undefined)
		throw new Error(`read mount: unexpected line: ${line}`);

	return {source: unescape(source), path: unescape(path), type};
}

/** The kernel writes blanks and backslashes in paths as three octal digits. */
function unescape(text: string): string {
	return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
		String.fromCodePoint(Number.parseInt(octal, 8)),
	);
}
