import {closeSync, read, readSync} from 'node:fs';
import {constants} from 'node:os';
import {promisify, TextDecoder} from 'node:util';

import {UsageError} from '../../base/errors.js';
import {addon} from '../../kernel/sys/addon.js';
import {iteratorCreate} from '../../kernel/sys/link.js';
import type {IteratorOptions} from '../../kernel/sys/link-options.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {attachTypeNumber} from '../../uapi/attach-types.js';
import type {Program} from '../program/program.js';
import {createLink, requireType} from './attach.js';
import {openCgroup} from './attach-cgroup.js';
import {Link} from './link.js';
import {LinkError} from './link-error.js';

const {EINTR, EAGAIN} = constants.errno;
const readAsync = promisify(read);

/** What an iterator goes over; all there is of its kind unless given. */
export type IteratorTarget =
	/** The elements of a map, or the sockets in one (bpf_map_elem, bpf_sk_storage_map, sockmap). */
	| {readonly map: {readonly fd: number}}
	/** Tasks, their files or memory areas: of one thread, or of one process. *Kernel:* 6.1. */
	| {readonly tid: number}
	| {readonly pid: number}
	/** cgroups: that one alone, or with those below or above. *Kernel:* 6.1. */
	| {
			readonly cgroup: string;
			readonly order?: 'self' | 'descendants_pre' | 'descendants_post' | 'ancestors_up';
	  };

const orders = {self: 1, descendants_pre: 2, descendants_post: 3, ancestors_up: 4} as const;
const pieceSize = 64 * 1024;

/** An iterator in the kernel: each reading of it runs the program once for every element. */
export class IteratorLink extends Link {
	/** All that the program writes in one pass. *Throws:* `ERR_LINK`. */
	readAll(): Buffer {
		const {fd, piece, action} = this.begin();
		try {
			const pieces: Buffer[] = [];
			for (;;) {
				const length = again(action, () => readSync(fd, piece));
				if (length === 0) return Buffer.concat(pieces);
				pieces.push(Buffer.from(piece.subarray(0, length)));
			}
		} finally {
			addon.closeFd(fd);
		}
	}

	/** The same, piece by piece and off the event loop. *Throws:* `ERR_LINK`. */
	async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
		const {fd, piece, action} = this.begin();
		try {
			for (;;) {
				const length = await againAsync(action, async () =>
					readAsync(fd, piece, 0, piece.length, null),
				);
				if (length === 0) return;
				yield Buffer.from(piece.subarray(0, length));
			}
		} finally {
			addon.closeFd(fd);
		}
	}

	/** One pass as lines of text, without their ends. *Throws:* `ERR_LINK`. */
	async *lines(): AsyncGenerator<string, void, undefined> {
		const decoder = new TextDecoder();
		let rest = '';
		for await (const piece of this) {
			const lines = (rest + decoder.decode(piece, {stream: true})).split('\n');
			rest = lines.pop() ?? '';
			yield* lines;
		}

		rest += decoder.decode();
		if (rest !== '') yield rest;
	}

	private begin() {
		const action = `read ${this.hook}`;
		try {
			return {fd: iteratorCreate(this.fd), piece: Buffer.allocUnsafe(pieceSize), action};
		} catch (cause) {
			if (!(cause instanceof SyscallError)) throw cause;
			throw new LinkError(action, cause.message, {cause, errno: cause.errno});
		}
	}
}

/**
 * Attaches an iterator (section `iter/task`, `iter/bpf_map_elem`, …), whose output can then be read
 * as often as wanted, also by others from a pin of the link.
 *
 * *Kernel:* 5.8. *Throws:* `ERR_LINK`.
 */
export function attachIterator(program: Program, target?: IteratorTarget): IteratorLink {
	const hook = `iterator "${program.attachTarget ?? program.name}"`;
	const action = `attach program "${program.name}" to ${hook}`;
	requireType(action, program, 'tracing');
	if (program.attachType !== 'trace_iter') {
		throw new UsageError(`${action}: it is no iterator; its section must start with "iter"`);
	}

	const cgroup =
		target !== undefined && 'cgroup' in target ? openCgroup(action, target.cgroup) : undefined;
	try {
		return createLink(
			program,
			{
				action,
				hook,
				feature: 'iterators',
				since: '5.8',
				attr: {
					target: 0,
					attachType: attachTypeNumber('trace_iter'),
					flags: 0,
					options: optionsOf(target, cgroup),
				},
				capabilities: ['bpf', 'perfmon'],
				explain(errno) {
					if (errno === constants.errno.EINVAL || errno === constants.errno.EBADF) {
						return target === undefined
							? 'this iterator wants a target: a map, a task or a cgroup'
							: 'this iterator does not take such a target';
					}

					if (errno === constants.errno.EACCES) {
						return 'the program reads or writes more of keys or values than the map has';
					}

					return errno === constants.errno.ESRCH ? 'there is no such task' : undefined;
				},
			},
			(fd, of) => new IteratorLink(fd, of),
		);
	} finally {
		if (cgroup !== undefined) closeSync(cgroup);
	}
}

function optionsOf(
	target: IteratorTarget | undefined,
	cgroup: number | undefined,
): IteratorOptions {
	if (target === undefined) return {kind: 'iterator'};
	if ('map' in target) return {kind: 'iterator', mapFd: target.map.fd};
	if ('tid' in target) return {kind: 'iterator', task: {tid: target.tid}};
	if ('pid' in target) return {kind: 'iterator', task: {pid: target.pid}};
	const order = orders[target.order ?? 'descendants_pre'];
	return {kind: 'iterator', cgroup: {fd: cgroup ?? 0, order}};
}

/** Signals interrupt, and a pass that took long gives others a turn. */
function again(action: string, work: () => number): number {
	for (;;) {
		try {
			return work();
		} catch (cause) {
			throwUnlessInterrupted(action, cause);
		}
	}
}

async function againAsync(action: string, work: () => Promise<{bytesRead: number}>) {
	for (;;) {
		try {
			return (await work()).bytesRead;
		} catch (cause) {
			throwUnlessInterrupted(action, cause);
		}
	}
}

function throwUnlessInterrupted(action: string, cause: unknown): void {
	const errno = -((cause as NodeJS.ErrnoException).errno ?? 0);
	if (errno === EINTR || errno === EAGAIN) return;
	throw new LinkError(action, (cause as Error).message, {cause, errno});
}
