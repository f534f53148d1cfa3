/** tc programs as filters of clsact, which every kernel since 4.5 has. */

import {constants} from 'node:os';

import {NetlinkError} from '../../kernel/netlink/netlink-error.js';
import {
	createClsact,
	deleteFilter,
	listFilters,
	qdiscKind,
	setFilter,
	type BpfFilter,
	type FilterPlace,
	type TcDirection,
} from '../../kernel/netlink/tc.js';
import {programInfo} from '../../kernel/sys/info.js';
import type {LinkInfo} from '../../kernel/sys/link-info.js';
import type {Program} from '../program/program.js';
import {HookAttachment, KeptNamespace} from './hook-attachment.js';
import {LinkError} from './link-error.js';
import {describeOwner, findOwner} from './owner.js';
import type {InterfaceTarget} from './target.js';

const {EEXIST, ENOENT} = constants.errno;

/** A filter's numbers, the same every time, so that what a process left behind is found again. */
export interface FilterNumbers {
	/** 1 to 65535, lower ones first; 50 unless given. */
	readonly priority?: number;
	/** 1 unless given. */
	readonly handle?: number;
}

/** A program that a filter of clsact runs: it stays until someone takes the filter away. */
export class ClsactAttachment extends HookAttachment {
	readonly mechanism = 'clsact';
	private readonly place: FilterPlace;
	private readonly netns: KeptNamespace;

	/** Use `attachTcx`. The filter is there already. */
	constructor(program: Program, target: InterfaceTarget, place: FilterPlace) {
		super(hookName(target, place.direction), program);
		this.netns = new KeptNamespace(target.netns);
		this.place = {...place, netns: this.netns.fd};
	}

	override info(): LinkInfo {
		const {ifindex, direction} = this.place;
		const programId = filterAt(this.place)?.programId ?? 0;
		return {id: 0, type: 'unspec', programId, attachType: `tcx_${direction}`, ifindex};
	}

	protected override replace(action: string, program: Program, expected: number): void {
		this.expect(action, expected);
		change(action, () => {
			setFilter({
				...this.place,
				programFd: program.fd,
				name: program.name,
				how: 'replace',
			});
		});
	}

	protected override remove(action: string, expected: number): void {
		this.expect(action, expected);
		change(action, () => {
			deleteFilter(this.place);
		});
	}

	protected override free(): void {
		this.netns.close();
	}

	/** The kernel compares nothing here, so it is done before. */
	private expect(action: string, expected: number): void {
		const found = filterAt(this.place);
		if (found?.programId === programInfo(expected).id) return;
		if (found === undefined) throw new LinkError(action, 'the filter is gone', {errno: ENOENT});
		const owner = findOwner(found.programId);
		const detail = `another program than the expected one is attached: ${describeOwner(owner)}`;
		throw new LinkError(action, detail, {errno: EEXIST, owner});
	}
}

/** `clsact ingress of "eth0"`. */
function hookName(target: InterfaceTarget, direction: TcDirection): string {
	return `clsact ${direction} of "${target.name}"`;
}

/** The filter in a place, whatever it runs. */
export function filterAt(place: FilterPlace): BpfFilter | undefined {
	return listFilters(place.ifindex, place.direction, place.netns).find(
		each => each.priority === place.priority && each.handle === place.handle,
	);
}

/** Where a program's filter stands. */
export function filterPlace(
	{ifindex, netns}: InterfaceTarget,
	direction: TcDirection,
	{priority = 50, handle = 1}: FilterNumbers,
): FilterPlace {
	return {ifindex, direction, netns, priority, handle};
}

/**
 * Attaches a program as a direct-action filter. A clsact that is missing is made, and never removed:
 * the filters of others may hang on it by then. *Throws:* `ERR_LINK`: `EEXIST` with `owner` when the
 * place is taken.
 */
export function attachClsact(
	action: string,
	program: Program,
	target: InterfaceTarget,
	place: FilterPlace,
): ClsactAttachment {
	prepareQdisc(action, target, place.direction);
	try {
		setFilter({...place, programFd: program.fd, name: program.name, how: 'create'});
	} catch (cause) {
		if (!(cause instanceof NetlinkError) || cause.errno !== EEXIST)
			throw refused(action, cause);
		throw takenError(action, place, cause);
	}

	return new ClsactAttachment(program, target, place);
}

function takenError(action: string, place: FilterPlace, cause: NetlinkError): LinkError {
	const {errno} = cause;
	const numbers = `priority ${place.priority} and handle ${place.handle}`;
	const found = filterAt(place);
	if (found === undefined) {
		return new LinkError(action, `a filter with ${numbers} is there already`, {cause, errno});
	}

	const owner = findOwner(found.programId);
	const detail = `filter "${found.name}" with ${numbers} is there already: ${describeOwner(owner)}`;
	return new LinkError(action, detail, {cause, errno, owner});
}

function prepareQdisc(action: string, target: InterfaceTarget, direction: TcDirection): void {
	const {ifindex, name, netns} = target;
	try {
		createClsact(ifindex, netns);
	} catch (cause) {
		const kind = qdiscKind(ifindex, netns);
		if (kind !== 'ingress') throw refused(action, cause);
		// It takes filters on ingress as clsact does.
		if (direction === 'ingress') return;
		throw new LinkError(
			action,
			`"${name}" has the older queueing discipline 'ingress', which has no egress; its owner must remove it ('tc qdisc del dev ${name} ingress') to make room for clsact`,
			{cause, errno: EEXIST},
		);
	}
}

function change(action: string, work: () => void): void {
	try {
		work();
	} catch (cause) {
		throw refused(action, cause);
	}
}

function refused(action: string, cause: unknown): unknown {
	if (!(cause instanceof NetlinkError)) return cause;
	return new LinkError(action, cause.message, {cause, errno: cause.errno});
}
