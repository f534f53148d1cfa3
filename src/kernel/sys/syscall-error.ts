import {constants} from 'node:os';

import {EbpfError} from '../../base/errors.js';
import {errnoName, errnoText} from '../../uapi/errno.js';
import type {Command} from '../../uapi/commands.js';

/** What is asked of the kernel otherwise than by bpf(2). */
export type OtherCall = 'flock' | 'ioctl' | 'perf_event_open' | 'perf_event_set_bpf' | 'setsockopt';

/** One call was refused; what skep wanted from it is in the error that has this as cause. */
export class SyscallError extends EbpfError {
	static {
		this.prototype.name = 'SyscallError';
	}

	readonly code = 'ERR_SYSCALL';
	declare readonly errno: number;
	/** `EPERM`. */
	readonly errnoName: string;
	readonly command: Command | OtherCall;

	constructor(command: Command | OtherCall, errno: number) {
		super(`${command}: ${errnoText(errno)} (${errnoName(errno)})${remedy(command, errno)}`, {
			errno,
		});
		this.errnoName = errnoName(errno);
		this.command = command;
	}
}

/** The one reason of a refusal that the command alone tells: for these CAP_BPF is not enough. */
function remedy(command: string, errno: number): string {
	if (errno !== constants.errno.EPERM) return '';
	if (/_get_(?:next_id|fd_by_id)$/.test(command)) return ': objects by id need CAP_SYS_ADMIN';
	return command === 'enable_stats' ? ': statistics of programs need CAP_SYS_ADMIN' : '';
}

/** The errno of a refused call anywhere in the chain of causes. */
export function errnoOf(error: unknown): number | undefined {
	for (let at: unknown = error; at instanceof Error; at = at.cause) {
		if (at instanceof EbpfError && at.errno !== undefined) return at.errno;
	}

	return undefined;
}
