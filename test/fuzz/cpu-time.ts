import {existsSync, readFileSync, readlinkSync} from 'node:fs';

/** The kernel's number of the thread that asks. */
export function threadId(): number {
	return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
}

/** Milliseconds of CPU time that a thread of this process took, in steps of ten; NaN after its end. */
export function cpuTime(thread: number): number {
	const file = `/proc/self/task/${thread}/stat`;
	if (!existsSync(file)) return NaN;
	const text = readFileSync(file, 'latin1');
	// The name, which is in brackets, may have spaces; then come a letter and ten numbers.
	const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
	return (Number(fields[11]) + Number(fields[12])) * 10;
}
