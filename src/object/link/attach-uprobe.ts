import {closeSync, openSync, readSync} from 'node:fs';
import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {ElfError} from '../../format/elf/elf-error.js';
import {functionOffset} from '../../format/elf/host-symbols.js';
import {probeSource, TraceEventError} from '../../kernel/host/trace-events.js';
import {attachTypeNumber} from '../../uapi/attach-types.js';
import type {Program} from '../program/program.js';
import {createLink, requireType} from './attach.js';
import {isReturn} from './attach-kprobe.js';
import type {CookieOptions} from './attach-tracing.js';
import type {Link} from './link.js';
import {LinkError} from './link-error.js';
import {attachEvent} from './perf-link.js';

const {EINVAL, ENOENT, ESRCH} = constants.errno;

/** A function of a file, `malloc` or `malloc+16`, or bytes from the file's start. */
export type UprobePlace = string | number | bigint;

/** How a program is attached to a place of a file. */
export interface AttachUprobeOptions extends CookieOptions {
	/** Runs when the function returns; what the section says (`uretprobe`) unless given. */
	readonly onReturn?: boolean;
	/** Only in this process; all unless given. */
	readonly pid?: number;
}

/** Which places of a file a program is attached to, and how. */
export interface AttachUprobeMultiOptions extends Omit<AttachUprobeOptions, 'cookie'> {
	/** One for each place. */
	readonly cookies?: readonly bigint[];
}

/** Bit of a multi-probe's flags: `BPF_F_UPROBE_MULTI_RETURN`. */
const multiReturn = 1;

/**
 * Attaches a program to a function of an executable or library, in every process that runs it.
 * Path and place are those of its section (`uprobe//usr/bin/node:main+4`) unless given.
 *
 * *Kernel:* 4.17, a link from 5.15 on; `cookie` 5.15. *Throws:* `ERR_LINK` when the file has no such
 * function, or it cannot be probed.
 */
export function attachUprobe(
	program: Program,
	path = sectionPath(program),
	place = sectionPlace(program),
	options: AttachUprobeOptions = {},
): Link {
	const {onReturn = isReturn(program), pid, cookie} = options;
	const hook = `${onReturn ? 'return of ' : ''}"${path ?? '?'}:${place ?? '?'}"`;
	const action = `attach program "${program.name}" to ${hook}`;
	requireType(action, program, 'kprobe');
	if (path === undefined || place === undefined) {
		throw new UsageError(`${action}: its section names no file and function; give them`);
	}

	const offset = findOffset(action, path, place);
	const {type, returnBit} = source(action);
	return attachEvent(program, {
		action,
		hook,
		cookie,
		capabilities: ['perfmon', 'sys_admin'],
		event: {
			type,
			config: onReturn ? returnBit : 0n,
			name: path,
			config2: offset,
			pid: pid ?? -1,
			cpu: pid === undefined ? 0 : -1,
		},
		explain,
	});
}

/**
 * Attaches a program of section `uprobe.multi` to many places of one file at once.
 *
 * *Kernel:* 6.6. *Throws:* `ERR_LINK` when the file lacks one of the functions.
 */
export function attachUprobeMulti(
	program: Program,
	path: string,
	places: readonly UprobePlace[],
	options: AttachUprobeMultiOptions = {},
): Link {
	const {onReturn = isReturn(program), pid = 0, cookies} = options;
	const hook = `${places.length} places of "${path}"`;
	const action = `attach program "${program.name}" to ${hook}`;
	requireType(action, program, 'kprobe');
	const {attachType} = program;
	if (attachType !== 'trace_uprobe_multi' && attachType !== 'trace_uprobe_session') {
		throw new UsageError(`${action}: its section must start with "uprobe.multi"`);
	}

	if (places.length === 0) throw new UsageError(`${action}: give at least one`);
	if (cookies !== undefined && cookies.length !== places.length) {
		throw new UsageError(`${action}: there are ${cookies.length} cookies`);
	}

	return createLink(program, {
		action,
		hook,
		feature: 'probes of many places',
		since: '6.6',
		attr: {
			target: 0,
			attachType: attachTypeNumber(attachType),
			flags: 0,
			options: {
				kind: 'uprobe_multi',
				path,
				flags: onReturn ? multiReturn : 0,
				offsets: places.map(place => findOffset(action, path, place)),
				cookies,
				pid,
			},
		},
		capabilities: ['bpf', 'perfmon'],
		explain,
	});
}

function source(action: string) {
	try {
		return probeSource('uprobe');
	} catch (cause) {
		if (!(cause instanceof TraceEventError)) throw cause;
		throw new LinkError(action, cause.message, {cause});
	}
}

function explain(errno: number): string | undefined {
	switch (errno) {
		case EINVAL:
			return 'there is no instruction that can be probed';
		case ENOENT:
			return 'there is no such file';
		case ESRCH:
			return 'there is no such process';
		default:
			return undefined;
	}
}

/** Bytes from the start of the file. */
function findOffset(action: string, path: string, place: UprobePlace): bigint {
	if (typeof place !== 'string') {
		const isWhole = typeof place === 'bigint' || Number.isSafeInteger(place);
		if (isWhole && place >= 0) return BigInt(place);
		throw new UsageError(`${action}: ${place} is no offset in a file`);
	}

	const parts = /^(.+?)(?:\+(0x[\da-f]+|\d+))?$/i.exec(place);
	const [, name = '', more = '0'] = parts ?? [];
	let found;
	let fd;
	try {
		fd = openSync(path, 'r');
		const file = fd;
		found = functionOffset((offset, length) => readPiece(file, offset, length), name);
	} catch (cause) {
		if (cause instanceof ElfError) throw new LinkError(action, cause.message, {cause});
		throw new LinkError(action, `read "${path}": ${(cause as Error).message}`, {cause});
	} finally {
		if (fd !== undefined) closeSync(fd);
	}

	if (found === undefined) {
		throw new LinkError(
			action,
			`"${path}" has no function "${name}", or was stripped of names`,
		);
	}

	return BigInt(found) + BigInt(more);
}

const pieceSize = 1 << 20;

/** What a file says of its own lengths is not believed: bytes are asked for as they come. */
function readPiece(fd: number, offset: number, length: number): Uint8Array {
	const pieces: Buffer[] = [];
	for (let done = 0; done < length;) {
		const piece = Buffer.allocUnsafe(Math.min(length - done, pieceSize));
		const count = readSync(fd, piece, 0, piece.length, offset + done);
		if (count === 0) break;
		pieces.push(piece.subarray(0, count));
		done += count;
	}

	return Buffer.concat(pieces);
}

/** `PATH:PLACE`; a path may have colons, a place has none. */
function sectionParts({attachTarget}: Program): [path: string, place: string] | undefined {
	const colon = attachTarget?.lastIndexOf(':') ?? -1;
	if (attachTarget === undefined || colon <= 0) return undefined;
	return [attachTarget.slice(0, colon), attachTarget.slice(colon + 1)];
}

function sectionPath(program: Program): string | undefined {
	return sectionParts(program)?.[0];
}

function sectionPlace(program: Program): UprobePlace | undefined {
	return sectionParts(program)?.[1];
}
