import {fstatSync} from 'node:fs';
import {constants} from 'node:os';

import type {LinkInfo} from '../../kernel/sys/link-info.js';
import {
	socketAttach,
	socketDetach,
	type SocketProgramKind,
} from '../../kernel/sys/socket-program.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import type {Program} from '../program/program.js';
import {requireType} from './attach.js';
import {HookAttachment} from './hook-attachment.js';
import type {Link} from './link.js';
import {LinkError} from './link-error.js';

const {EBADF, EINVAL, ENOTSOCK, EPERM} = constants.errno;

/**
 * Attaches a program to a socket, by its descriptor: one of type socket_filter decides what it
 * receives, one of type sk_reuseport which socket of its group (`SO_REUSEPORT`) receives.
 *
 * *Kernel:* 3.19; sk_reuseport 4.19. The result's mechanism is `setsockopt`. *Throws:* `ERR_LINK`.
 */
export function attachSocket(program: Program, socket: number): Link {
	const isGroup = program.type === 'sk_reuseport';
	const hook = `${isGroup ? 'group of ' : ''}socket ${socket}`;
	const action = `attach program "${program.name}" to ${hook}`;
	requireType(action, program, 'socket_filter', 'sk_reuseport');
	const at = {hook, socket, kind: isGroup ? 'reuseport' : 'filter'} as const;
	call(action, () => {
		socketAttach(at.kind, socket, program.fd);
	});
	return new SocketAttachment(program, at);
}

interface SocketHook {
	readonly hook: string;
	readonly socket: number;
	readonly kind: SocketProgramKind;
}

/** A program on a socket: it stays until detached, or the socket closes. */
class SocketAttachment extends HookAttachment {
	readonly mechanism = 'setsockopt';
	private readonly at: SocketHook;
	/** Tells the socket from another that has its number later. */
	private readonly inode: bigint;

	constructor(program: Program, at: SocketHook) {
		super(at.hook, program);
		this.at = at;
		this.inode = inodeOf(at.socket) ?? 0n;
	}

	override info(): LinkInfo {
		const isThere = !this.closed && inodeOf(this.at.socket) === this.inode;
		return {id: 0, type: 'unspec', programId: isThere ? this.programId : 0};
	}

	protected override replace(action: string, program: Program): void {
		this.requireSocket(action);
		call(action, () => {
			socketAttach(this.at.kind, this.at.socket, program.fd);
		});
	}

	protected override remove(action: string): void {
		this.requireSocket(action);
		call(action, () => {
			socketDetach(this.at.kind, this.at.socket);
		});
	}

	protected override free(): void {
		// The socket is its owner's.
	}

	private requireSocket(action: string): void {
		if (inodeOf(this.at.socket) === this.inode) return;
		throw new LinkError(action, 'the socket is closed', {errno: EBADF});
	}
}

function inodeOf(fd: number): bigint | undefined {
	try {
		return fstatSync(fd, {bigint: true}).ino;
	} catch {
		return undefined;
	}
}

function call(action: string, work: () => void): void {
	try {
		work();
	} catch (cause) {
		if (!(cause instanceof SyscallError)) throw cause;
		const {errno} = cause;
		throw new LinkError(action, detail(errno) ?? cause.message, {cause, errno});
	}
}

function detail(errno: number): string | undefined {
	switch (errno) {
		case EBADF:
			return 'there is no such descriptor';
		case ENOTSOCK:
			return 'it is not a socket';
		case EINVAL:
			return 'the socket takes no such program; one of a group must have SO_REUSEPORT set';
		case EPERM:
			return 'the filter of the socket is locked';
		default:
			return undefined;
	}
}
