/**
 * Programs on the tc hooks of devices: a pinned link each or, on kernels without tcx, a filter, which
 * no pin can hold. A symbolic link in the pin's place says then where the filter is.
 */

import {lstatSync, mkdirSync, readlinkSync, renameSync, symlinkSync, unlinkSync} from 'node:fs';
import {basename, dirname} from 'node:path';

import {deleteFilter, type FilterPlace, type TcDirection} from '../kernel/netlink/tc.js';
import {attachAt, type Attached} from '../object/hook/attach.js';
import {openNamed, type Hook} from '../object/hook/hook.js';
import {tcHook} from '../object/hook/tc-hook.js';
import {filterAt, filterPlace} from '../object/link/clsact.js';
import {LinkError} from '../object/link/link-error.js';
import {openPinnedLink, type Mechanism} from '../object/link/link.js';
import {withInterface, type InterfaceTarget, type NamespaceOptions} from '../object/link/target.js';
import type {Program} from '../object/program/program.js';

/** A side of a device. */
export interface TcPlace extends NamespaceOptions {
	readonly direction: TcDirection;
}

interface FilterRecord extends TcPlace {
	readonly ifindex: number;
}

/** How a program came to its place. */
export interface TcChange {
	readonly how: Attached['how'];
	readonly mechanism: Mechanism;
}

/** A program for a side of a device, and the pin by which it is found again. */
export interface TcProgram {
	readonly program: Program;
	readonly direction: TcDirection;
	readonly pin: string;
}

/** Puts a program there, or in the place of its predecessor; by `pin` it is found again. */
export function attachTc(
	program: Program,
	device: string | number,
	{direction, ...namespace}: TcPlace,
	pin: string,
): TcChange {
	const action = `attach program "${program.name}"`;
	return withInterface(action, device, namespace, target =>
		attachTcAt({program, direction, pin}, target, namespace),
	);
}

/** The same on an interface that was found already. */
export function attachTcAt(
	{program, direction, pin}: TcProgram,
	target: InterfaceTarget,
	namespace: NamespaceOptions,
): TcChange {
	const {link, how} = attachAt(program, hookOf(program, target, direction), {pin});
	using _ = link;
	const {mechanism} = link;
	if (mechanism === 'clsact') remember(pin, {ifindex: target.ifindex, direction, ...namespace});
	return {how, mechanism};
}

/** Where there is tcx, the datapath never makes filters. */
function hookOf(program: Program, target: InterfaceTarget, direction: TcDirection): Hook {
	return tcHook(program, target, direction, {linksOnly: true});
}

/** Is it a filter that runs there, and no link? */
export function isFilter(pin: string): boolean {
	return lstatSync(pin, {throwIfNoEntry: false})?.isSymbolicLink() ?? false;
}

/** Puts another program into a filter, unless its interface is gone. */
export function updateFilter(pin: string, program: Program): void {
	const {ifindex, ...place} = recall(pin);
	unlessGone(() => attachTc(program, ifindex, place, pin));
}

/**
 * Number of the program that runs there, 0 where there is none, and whether it is the one that shall;
 * nothing shall run where the interface is gone.
 */
export function runningAt(
	pin: string,
	wanted: number | undefined,
): {programId: number; current: boolean} {
	if (isFilter(pin)) {
		const programId = withFilter(pin, filter => filter.programId);
		return {
			programId: programId ?? 0,
			current: programId === undefined || programId === wanted,
		};
	}

	using link = openPinnedLink(pin);
	const {programId, ifindex} = link.info();
	return {programId: ifindex === 0 ? 0 : programId, current: programId === wanted};
}

/** Takes a filter away, unless it runs somebody else's program by now. */
export function removeFilter(pin: string): void {
	withFilter(pin, ({programId, place}) => {
		using program = openNamed(programId, basename(pin));
		if (program !== undefined) deleteFilter(place);
	});
	unlinkSync(pin);
}

interface Filter {
	readonly place: FilterPlace;
	/** 0 where there is none. */
	readonly programId: number;
}

function withFilter<T>(pin: string, work: (filter: Filter) => T): T | undefined {
	const {ifindex, direction, ...namespace} = recall(pin);
	return unlessGone(() =>
		withInterface(`find filter of "${pin}"`, ifindex, namespace, target => {
			const place = filterPlace(target, direction, {});
			return work({place, programId: filterAt(place)?.programId ?? 0});
		}),
	);
}

/** Undefined where there is no such interface or namespace any more. */
function unlessGone<T>(work: () => T): T | undefined {
	try {
		return work();
	} catch (error) {
		if (!(error instanceof LinkError) || error.errno !== undefined) throw error;
		return undefined;
	}
}

function remember(pin: string, record: FilterRecord): void {
	mkdirSync(dirname(pin), {recursive: true, mode: 0o700});
	const temporary = `${pin}__skep_${process.pid}`;
	symlinkSync(JSON.stringify(record), temporary);
	renameSync(temporary, pin);
}

function recall(pin: string): FilterRecord {
	return JSON.parse(readlinkSync(pin)) as FilterRecord;
}
