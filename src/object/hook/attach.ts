import {closeSync} from 'node:fs';
import {constants} from 'node:os';

import {EbpfError, UsageError} from '../../base/errors.js';
import {hasCapability} from '../../kernel/host/permission.js';
import type {XdpMode} from '../../kernel/netlink/device.js';
import type {AttachType} from '../../uapi/attach-types.js';
import {openCgroup, type AttachCgroupOptions} from '../link/attach-cgroup.js';
import {requireType} from '../link/attach.js';
import {directionOf, type AttachTcxOptions} from '../link/attach-tcx.js';
import {HookAttachment} from '../link/hook-attachment.js';
import {Link} from '../link/link.js';
import {LinkError} from '../link/link-error.js';
import {describeOwner, findOwner} from '../link/owner.js';
import {withInterface, type NamespaceOptions} from '../link/target.js';
import {replacePin, tryOpenPin, pinObject} from '../pin/pin.js';
import {PinError} from '../pin/pin-error.js';
import type {Program} from '../program/program.js';
import {attachSection, isSectionTarget, type SectionTarget} from './attach-section.js';
import {cgroupHook} from './cgroup-hook.js';
import {isLink, openProgramOf, type Hook, type Predecessor} from './hook.js';
import {tcHook} from './tc-hook.js';
import {xdpHook} from './xdp-hook.js';

const {EBUSY, EEXIST, ENOLINK, ENOENT, EPERM, ESTALE} = constants.errno;

/** XDP of an interface; `native` mode unless given. */
export interface XdpTarget extends NamespaceOptions {
	readonly xdp: string | number;
	readonly mode?: XdpMode;
}

/** tcx of an interface, or clsact where there is none. */
export interface TcTarget
	extends
		NamespaceOptions,
		Pick<AttachTcxOptions, 'direction' | 'anchor' | 'priority' | 'handle'> {
	readonly tcx: string | number;
}

/** A hook of a cgroup v2 directory. */
export interface CgroupTarget extends Pick<AttachCgroupOptions, 'anchor'> {
	readonly cgroup: string;
	/** The program's own unless given. */
	readonly attachType?: AttachType;
}

/** Where a program shall run. */
export type AttachTarget = XdpTarget | TcTarget | CgroupTarget;

/** How `attach` takes over a hook. */
export interface AttachOptions {
	/**
	 * What becomes of a predecessor: `create` refuses to find one, `replace` (unless given) puts the
	 * program in its place, `adopt` leaves it running, with its maps, where it has the same
	 * instructions, and replaces it otherwise.
	 */
	readonly policy?: 'create' | 'replace' | 'adopt';
	/**
	 * Path that keeps the link alive after this process, and by which it is found again. What had
	 * to be attached without a link stays without a pin.
	 */
	readonly pin?: string;
	/** Name of the predecessor's program; the program's own unless given. */
	readonly predecessor?: string;
	/**
	 * Only while the predecessor is the program of this number or, for 0, while there is none:
	 * otherwise it fails with `ESTALE`.
	 */
	readonly expectedId?: number;
}

/** What `attach` found on the hook, and what it did. */
export interface Attached {
	readonly link: Link;
	readonly how: 'created' | 'replaced' | 'adopted';
	/** The program that ran there before, and still does where it was adopted. */
	readonly previousId?: number;
}

const maxAttempts = 32;

/**
 * Makes a program run on a hook, whatever its predecessor left there: what the pin holds or, on the
 * hook itself, a program of the same name is replaced in place, so that every packet meets one of
 * the two; without one it is attached anew. A crash at any point leaves one or the other; of
 * processes that race, the last one's program runs and all hold the same link.
 *
 * Without a target it is attached where its section says (`fentry/tcp_connect`, `iter/task`, …).
 * Such hooks, and those of a `SectionTarget`, have no predecessor that could be taken over.
 *
 * *Throws:* `ERR_LINK`: `EBUSY` with `owner` when the hook, which holds one program only, has a
 * foreign one; `EEXIST` with `owner` where `create` finds a predecessor; `ERR_PIN`, `ERR_BPFFS`.
 */
export function attach(
	program: Program,
	target?: AttachTarget | SectionTarget,
	options: AttachOptions = {},
): Attached {
	if (target === undefined || isSectionTarget(target)) {
		return {link: keep(attachSection(program, target), options.pin, true), how: 'created'};
	}

	return withHook(program, target, hook => attachAt(program, hook, options));
}

/** The same on a hook that was found already. */
export function attachAt(program: Program, hook: Hook, options: AttachOptions = {}): Attached {
	for (let attempt = 1; ; attempt++) {
		try {
			return attempted(program, hook, options);
		} catch (error) {
			// Somebody else was faster: what there is now is looked at again.
			if (!(error instanceof RaceError)) throw error;
			if (attempt === maxAttempts) throw error.cause;
		}
	}
}

/** The hook was changed between two looks at it. */
class RaceError extends EbpfError {
	readonly code = 'ERR_RACE';

	constructor(cause: unknown) {
		super('attach: the hook was changed meanwhile', {cause});
	}
}

function attempted(program: Program, hook: Hook, options: AttachOptions): Attached {
	const {pin, policy = 'replace'} = options;
	const pinned = pin === undefined ? undefined : openPinned(program, hook, pin);
	const before = pinned ?? hook.find(options.predecessor ?? program.name);
	requireExpected(program, hook, before, options);
	if (before === undefined) {
		const link = create(hook, options.predecessor ?? program.name);
		return {link: keep(link, pin, true), how: 'created'};
	}

	const {link, programId} = before;
	try {
		if (policy === 'create') throw presentError(program, hook, before);
		const isKept = policy === 'adopt' && hasTag(programId, program.info().tag);
		if (!isKept) replace(link, program, programId);
		const how = isKept ? 'adopted' : 'replaced';
		return {
			link: keep(link, pinned === undefined ? pin : undefined, false),
			how,
			previousId: programId,
		};
	} catch (error) {
		letGo(link);
		throw error;
	}
}

function requireExpected(
	program: Program,
	hook: Hook,
	before: Predecessor | undefined,
	{expectedId}: AttachOptions,
): void {
	const id = before?.programId ?? 0;
	if (expectedId === undefined || id === expectedId) return;
	if (before !== undefined) letGo(before.link);
	const detail = `program ${id} is there instead of ${expectedId}`;
	const action = `attach program "${program.name}" to ${hook.name}`;
	throw new LinkError(action, detail, {errno: ESTALE});
}

/** What the pin holds: undefined when it is nothing, or a link whose hook is gone. */
function openPinned(program: Program, hook: Hook, path: string): Predecessor | undefined {
	const fd = tryOpenPin(path);
	if (fd === undefined) return undefined;
	const action = `attach program "${program.name}" to ${hook.name} by pin`;
	const link = new Link(fd, hook.name);
	try {
		if (!isLink(fd)) throw new PinError(action, path, 'what is pinned there is not a link');
		const info = link.info();
		if (hook.isLinkHere(link)) return {link, programId: info.programId, linkId: info.id};
		const isGone = info.ifindex === 0 || info.cgroupId === 0n;
		if (!isGone) {
			const what = `link ${info.id} of type ${info.type} and program ${info.programId}`;
			throw new PinError(action, path, `${what} is pinned there, which is of another hook`);
		}
	} catch (error) {
		link.close();
		throw error;
	}

	link.close();
	return undefined;
}

function create(hook: Hook, name: string): Link {
	try {
		return hook.create();
	} catch (error) {
		if (!(error instanceof LinkError)) throw error;
		if (error.errno === ESTALE) throw new RaceError(error);
		if (error.errno !== EBUSY && error.errno !== EEXIST) throw error;
		// Whoever was faster may be a twin of this process.
		const twin = hook.find(name);
		if (twin === undefined) throw error;
		letGo(twin.link);
		throw new RaceError(error);
	}
}

function replace(link: Link, program: Program, programId: number): void {
	using expected = openProgramOf(programId);
	// Who may open programs finds it gone when somebody else has replaced it.
	if (expected === undefined && hasCapability('sys_admin')) {
		throw new RaceError(
			new LinkError('attach', `program ${programId} is gone`, {errno: ESTALE}),
		);
	}

	try {
		link.update(program, expected === undefined ? {} : {expected});
	} catch (error) {
		if (!(error instanceof LinkError)) throw error;
		const isRace = [EPERM, EEXIST, ENOENT, ENOLINK, EBUSY].includes(error.errno ?? 0);
		throw isRace ? new RaceError(error) : error;
	}
}

function hasTag(programId: number, tag: string): boolean {
	using program = openProgramOf(programId);
	return program?.info().tag === tag;
}

/** Makes the attachment outlive this process, where that was asked for. */
function keep(link: Link, pin: string | undefined, isNew: boolean): Link {
	if (pin === undefined) return link;
	if (link instanceof HookAttachment) {
		link.keep();
		return link;
	}

	try {
		pinAt(link, pin);
		return link;
	} catch (error) {
		if (isNew) link.close();
		throw error;
	}
}

function pinAt(link: Link, path: string): void {
	try {
		pinObject(link.fd, path, `link at "${path}"`);
	} catch (error) {
		if (!(error instanceof PinError) || error.errno !== EEXIST) throw error;
		const {id} = link.info();
		const fd = tryOpenPin(path);
		if (fd === undefined) throw new RaceError(error);
		using there = new Link(fd, path);
		const info = there.info();
		if (info.id === id) return;
		// A link whose hook is gone keeps nothing alive.
		if (info.ifindex !== 0 && info.cgroupId !== 0n) throw new RaceError(error);
		replacePin(link.fd, path, `link at "${path}"`);
	}
}

/** Gives back the object, and leaves what is on the hook. */
function letGo(link: Link): void {
	if (link instanceof HookAttachment) link.release();
	else link.close();
}

function presentError(program: Program, hook: Hook, before: Predecessor): LinkError {
	const owner = findOwner(before.programId, before.linkId);
	const action = `attach program "${program.name}" to ${hook.name}`;
	return new LinkError(action, `it has a predecessor there: ${describeOwner(owner)}`, {
		errno: EEXIST,
		owner,
	});
}

function withHook<T>(program: Program, target: AttachTarget, work: (hook: Hook) => T): T {
	const action = `attach program "${program.name}"`;
	if ('cgroup' in target) {
		const attachType = target.attachType ?? program.attachType;
		if (attachType === undefined) {
			throw new UsageError(`${action} to cgroup "${target.cgroup}": give an attach type`);
		}

		const fd = openCgroup(action, target.cgroup);
		try {
			const {cgroup: path, anchor} = target;
			const place = anchor === undefined ? {} : {anchor};
			return work(cgroupHook(program, {fd, path, attachType}, place));
		} finally {
			closeSync(fd);
		}
	}

	if ('xdp' in target) {
		requireType(`${action} to xdp of "${target.xdp}"`, program, 'xdp');
		return withInterface(action, target.xdp, target, found =>
			work(xdpHook(program, found, target.mode ?? 'native')),
		);
	}

	const direction = target.direction ?? directionOf(program.attachType);
	if (direction === undefined) {
		throw new UsageError(`${action} to tcx of "${target.tcx}": give a direction`);
	}

	requireType(`${action} to tcx of "${target.tcx}"`, program, 'sched_cls');
	const {anchor, priority, handle} = target;
	const place = {
		...(anchor === undefined ? {} : {anchor}),
		...(priority === undefined ? {} : {priority}),
		...(handle === undefined ? {} : {handle}),
	};
	return withInterface(action, target.tcx, target, found =>
		work(tcHook(program, found, direction, place)),
	);
}
