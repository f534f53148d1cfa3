/** How what labs make is named, so that it tells whose it is and whether that one still lives. */

import {readFileSync} from 'node:fs';

/** A lab of a process: `skep-PID-START.NAME`, and `skep-PID-START.NAME.HOST` for each host. */
export interface LabId {
	readonly pid: number;
	/** When the process started, in clock ticks since boot: a number may be given again, not both. */
	readonly start: string;
	readonly name: string;
}

const pattern = /^skep-([1-9]\d{0,9})-(\d{1,20})\.([\w-]{1,40})(?:\.([\w-]{1,32}))?$/;

/** The name of a lab, or of a host in it, in the file system. */
export function formatLabId({pid, start, name}: LabId, host?: string): string {
	return `skep-${pid}-${start}.${name}${host === undefined ? '' : `.${host}`}`;
}

/** The lab, and the host, that a name is of; undefined for any other name. */
export function parseLabId(text: string): (LabId & {readonly host?: string}) | undefined {
	const [, pid, start, name, host] = pattern.exec(text) ?? [];
	if (pid === undefined || start === undefined || name === undefined) return undefined;
	return {pid: Number(pid), start, name, ...(host === undefined ? {} : {host})};
}

/** When a process started; undefined when there is none, or it has ended and nobody noticed yet. */
export function processStart(pid: number): string | undefined {
	let stat;
	try {
		stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
	} catch {
		return undefined;
	}

	// The second field is the command's name, which may hold anything.
	const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	return state === 'Z' || state === 'X' ? undefined : fields[18];
}

/** Whether the process that made the lab still runs. */
export function isAlive({pid, start}: LabId): boolean {
	return processStart(pid) === start;
}
