/** cgroup programs by `BPF_PROG_ATTACH`, which every kernel since 4.10 has. */

import {closeSync, constants as fsConstants, openSync} from 'node:fs';
import {constants} from 'node:os';

import {programInfo} from '../../kernel/sys/info.js';
import type {LinkInfo} from '../../kernel/sys/link-info.js';
import {programAttach, programDetach, programQuery} from '../../kernel/sys/program.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {attachTypeNumber, type AttachType} from '../../uapi/attach-types.js';
import {attachFlags} from '../../uapi/flags.js';
import type {Program} from '../program/program.js';
import {HookAttachment} from './hook-attachment.js';
import {LinkError} from './link-error.js';
import {describeOwner, findOwner} from './owner.js';

const {EEXIST, EINVAL, ENOENT} = constants.errno;

/**
 * What a program on a cgroup tolerates: nothing beside it or below (`exclusive`), one in its place
 * on cgroups below (`override`), or any number (`multi`).
 */
export type CgroupSharing = 'exclusive' | 'override' | 'multi';

const sharingFlags: Readonly<Record<CgroupSharing, number>> = {
	exclusive: 0,
	override: attachFlags.allow_override,
	multi: attachFlags.allow_multi,
};

/** A hook of a cgroup; `fd` is its directory. */
export interface CgroupHook {
	readonly fd: number;
	readonly path: string;
	readonly attachType: AttachType;
	readonly sharing: CgroupSharing;
}

/** What is on the cgroup itself. */
function query({fd, attachType}: CgroupHook) {
	return programQuery(fd, attachTypeNumber(attachType));
}

/** A program that `BPF_PROG_ATTACH` put on a cgroup: it stays until detached or the cgroup goes. */
export class CgroupAttachment extends HookAttachment {
	readonly mechanism = 'prog_attach';
	private readonly at: CgroupHook;

	/** Use `attachCgroup`. The program is there already; `hook.fd` stays the caller's. */
	constructor(program: Program, hook: CgroupHook) {
		super(`${hook.attachType} of "${hook.path}"`, program);
		const flags = fsConstants.O_RDONLY | fsConstants.O_DIRECTORY;
		this.at = {...hook, fd: openSync(`/proc/self/fd/${hook.fd}`, flags)};
	}

	override info(): LinkInfo {
		const programId = query(this.at).programIds.find(id => id === this.programId) ?? 0;
		return {id: 0, type: 'unspec', programId, attachType: this.at.attachType};
	}

	protected override replace(action: string, program: Program, expected: number): void {
		replaceCgroupProgram(action, program, this.at, expected);
	}

	protected override remove(action: string, expected: number): void {
		const {id} = programInfo(expected);
		const before = query(this.at);
		// Where only one may be, the kernel would detach it whoever it is.
		if (!before.programIds.includes(id)) {
			throw new LinkError(action, 'the program is not there any more', {errno: ENOENT});
		}

		call(action, () => {
			programDetach({...callOf(this.at, expected), flags: 0});
		});
	}

	protected override free(): void {
		closeSync(this.at.fd);
	}
}

function callOf({fd, attachType}: CgroupHook, programFd: number) {
	return {target: fd, programFd, attachType: attachTypeNumber(attachType)};
}

/**
 * Attaches a program beside those that are there. The hook is looked at before and after: the
 * kernel would let a program that is not `multi` take the place of another without a word.
 *
 * *Throws:* `ERR_LINK`: `EEXIST` with `owner` when that would happen.
 */
export function attachCgroupProgram(
	action: string,
	program: Program,
	hook: CgroupHook,
): CgroupAttachment {
	const {id} = program.info();
	const before = call(action, () => query(hook)).programIds;
	const [present] = before;
	if (present !== undefined && (hook.sharing !== 'multi' || before.includes(id))) {
		const owner = findOwner(before.includes(id) ? id : present);
		const detail = `the hook has a program already: ${describeOwner(owner)}`;
		throw new LinkError(action, detail, {errno: EEXIST, owner});
	}

	call(action, () => {
		programAttach({...callOf(hook, program.fd), flags: sharingFlags[hook.sharing]});
	});
	compare(action, hook, [...before, id]);
	return new CgroupAttachment(program, hook);
}

/** Puts a program in the place of another, which must be there. *Throws:* `ERR_LINK`. */
export function replaceCgroupProgram(
	action: string,
	program: Program,
	hook: CgroupHook,
	expected: number,
): void {
	const [oldId, newId] = [programInfo(expected).id, program.info().id];
	const before = call(action, () => query(hook));
	if (!before.programIds.includes(oldId)) {
		const detail = 'another program than the expected one is attached';
		throw new LinkError(action, detail, {errno: ENOENT});
	}

	const isMulti = (before.attachFlags & attachFlags.allow_multi) !== 0;
	const flags = before.attachFlags | (isMulti ? attachFlags.replace : 0);
	call(action, () => {
		const replaceFd = isMulti ? expected : 0;
		programAttach({...callOf(hook, program.fd), flags, replaceFd});
	});
	const wanted = before.programIds.map(id => (id === oldId ? newId : id));
	compare(action, hook, wanted);
}

/** Somebody else may attach meanwhile; nobody's program may be lost, and none be there twice. */
function compare(action: string, hook: CgroupHook, wanted: readonly number[]): void {
	const after = query(hook).programIds;
	const lost = wanted.filter(id => !after.includes(id));
	if (lost.length === 0 && new Set(after).size === after.length) return;
	const detail = `the hook has programs ${after.join(', ')} now instead of ${wanted.join(', ')}`;
	throw new LinkError(action, detail, {errno: EEXIST});
}

function call<T>(action: string, work: () => T): T {
	try {
		return work();
	} catch (cause) {
		if (!(cause instanceof SyscallError)) throw cause;
		const {errno} = cause;
		const detail =
			errno === EINVAL
				? 'the kernel does not take it there, or not with these flags'
				: cause.message;
		throw new LinkError(action, detail, {cause, errno});
	}
}
