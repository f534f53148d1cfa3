/** What `attach` needs to know of a hook, whichever it is. */

import {addon} from '../../kernel/sys/addon.js';
import {objectFdById} from '../../kernel/sys/object.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {Link} from '../link/link.js';
import {openProgramById, type Program} from '../program/program.js';
import {ProgramError} from '../program/program-error.js';

/** What stands on a hook under the name of the program that shall be attached. */
export interface Predecessor {
	readonly link: Link;
	readonly programId: number;
	/** Undefined where no link holds the program. */
	readonly linkId?: number;
}

/** One hook, for one program that shall be attached to it. */
export interface Hook {
	/** `xdp of "eth0"`. */
	readonly name: string;
	/** Is this a link of this hook, alive? */
	readonly isLinkHere: (link: Link) => boolean;
	/** The program of that name on the hook; the caller closes its link. */
	readonly find: (programName: string) => Predecessor | undefined;
	/** Attaches anew, and fails when the hook has changed since `find`. *Throws:* `ERR_LINK`. */
	readonly create: () => Link;
}

/** The kernel may know only the first 15 bytes of a name. */
export function isSameName(one: string, other: string): boolean {
	if (one === other) return true;
	const [short, long] = one.length < other.length ? [one, other] : [other, one];
	return Buffer.byteLength(short) === 15 && long.startsWith(short);
}

/**
 * Opens a program on a hook that has that name; undefined when its name is another, when it went, or
 * when this process may not open programs by number (that takes CAP_SYS_ADMIN): then it is foreign.
 */
export function openNamed(programId: number, name: string): Program | undefined {
	const program = openProgramOf(programId);
	if (program === undefined) return undefined;
	if (isSameName(program.name, name)) return program;
	program.close();
	return undefined;
}

/** Opens a link by its number; undefined when it went meanwhile. */
export function openLink(id: number, hook: string): Link | undefined {
	try {
		return new Link(objectFdById('link', id), hook);
	} catch (error) {
		if (error instanceof SyscallError && error.errno === 2 /* ENOENT */) return undefined;
		throw error;
	}
}

/** The program that a link holds, by a descriptor of its own; undefined when it may not be opened. */
export function openProgramOf(programId: number): Program | undefined {
	try {
		return openProgramById(programId);
	} catch (error) {
		if (error instanceof ProgramError) return undefined;
		throw error;
	}
}

/** Is the descriptor one of a link? */
export function isLink(fd: number): boolean {
	return addon.fdKind(fd) === 'link';
}
