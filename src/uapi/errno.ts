import {constants} from 'node:os';
import {getSystemErrorMap} from 'node:util';

/** The kernel's own 'not supported', which leaks to user space from map operations. */
export const ENOTSUPP = 524;

const names = new Map<number, string>();
for (const [name, number] of Object.entries(constants.errno)) {
	if (!names.has(number)) names.set(number, name);
}

names.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');
names.set(ENOTSUPP, 'ENOTSUPP');

// Those that libuv, and so node, has no words for, or words about sockets.
const texts = new Map<number, string>([
	[ENOTSUPP, 'operation not supported'],
	[constants.errno.EOPNOTSUPP, 'operation not supported'],
	[constants.errno.EBADMSG, 'bad message'],
	[constants.errno.EDEADLK, 'resource deadlock would occur'],
	[constants.errno.EDOM, 'argument out of domain'],
	[constants.errno.EINPROGRESS, 'operation in progress'],
	[constants.errno.ENOEXEC, 'exec format error'],
	[constants.errno.ENOLINK, 'link has been severed'],
	[constants.errno.ESTALE, 'stale handle'],
	[constants.errno.ETIME, 'timer expired'],
]);

/** `EPERM` for 1; `errno 4711` for a number without a name. */
export function errnoName(errno: number): string {
	return names.get(errno) ?? `errno ${errno}`;
}

// Node makes the whole map anew each time it is asked for.
let systemErrors: ReadonlyMap<number, readonly [string, string]> | undefined;

/** What the errno means, in words and lower case: `operation not permitted`. */
export function errnoText(errno: number): string {
	systemErrors ??= getSystemErrorMap();
	return texts.get(errno) ?? systemErrors.get(-errno)?.[1] ?? errnoName(errno);
}
