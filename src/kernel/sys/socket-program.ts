/** Programs of sockets, which setsockopt(2) sets. */

import {addon} from './addon.js';
import {SyscallError} from './syscall-error.js';

/** `SO_*` options of `SOL_SOCKET`. */
const options = {
	filter: {attach: 50, detach: 27},
	reuseport: {attach: 52, detach: 68},
} as const;

/** `filter`: what the socket receives; `reuseport`: which socket of its group receives. */
export type SocketProgramKind = keyof typeof options;

/** *Throws:* `ERR_SYSCALL`. *Kernel:* 3.19; reuseport 4.5. */
export function socketAttach(kind: SocketProgramKind, socket: number, programFd: number): void {
	set(options[kind].attach, socket, programFd);
}

/** *Throws:* `ERR_SYSCALL`. *Kernel:* reuseport 5.3. */
export function socketDetach(kind: SocketProgramKind, socket: number): void {
	set(options[kind].detach, socket, 0);
}

function set(option: number, socket: number, programFd: number): void {
	const result = addon.socketProgram(socket, option, programFd);
	if (result < 0) throw new SyscallError('setsockopt', -result);
}
