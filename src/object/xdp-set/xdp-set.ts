import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {getDevice} from '../../kernel/netlink/device.js';
import {addon} from '../../kernel/sys/addon.js';
import {objectFdById} from '../../kernel/sys/object.js';
import {relocateProgram} from '../../spec/core-relo/relocate.js';
import {checkLoadable} from '../../spec/loadable.js';
import type {ProgramSpec} from '../../spec/types.js';
import {xdpActions, type XdpAction} from '../../uapi/verdicts.js';
import {attach, type XdpTarget} from '../hook/attach.js';
import {openNamed} from '../hook/hook.js';
import type {Link} from '../link/link.js';
import {LinkError} from '../link/link-error.js';
import {withInterface} from '../link/target.js';
import type {BpfMap} from '../map/map.js';
import {unpinPath} from '../pin/pin.js';
import {coreTarget} from '../program/core-target.js';
import {loadProgram} from '../program/load-program.js';
import type {Program} from '../program/program.js';
import {dispatcherName, joinPrograms, manifestKey, mapKey} from './join-programs.js';
import {createManifest, readManifest} from './manifest.js';
import {withMember, type StoredMember, type XdpMember} from './member.js';

const {ENOENT, ESTALE} = constants.errno;
const maxAttempts = 32;

/** A program that shall share an interface, with the maps that it refers to. */
export interface SharedProgram {
	readonly spec: ProgramSpec;
	/** By their names in the object, as `Collection.maps` has them. */
	readonly maps: Readonly<Record<string, BpfMap>>;
}

/** How a program joins those that share a device. */
export interface JoinXdpOptions {
	/** Lower ones run first; 50 unless given. */
	readonly priority?: number;
	/** Verdicts after which the next program runs; `pass` only unless given. */
	readonly chain?: readonly Exclude<XdpAction, `unknown${string}`>[];
	/** Path that keeps all of them attached after their processes; the same for all. */
	readonly pin?: string;
}

/** The programs that share an interface. */
export interface XdpSet {
	/** Holds all of them there; whoever closes the last descriptor or pin detaches them. */
	readonly link: Link;
	/** In the order they run. */
	readonly members: readonly XdpMember[];
}

/**
 * Adds an XDP program to those that share an interface; one of the same name is replaced.
 *
 * All of them run as functions of one program, which takes its predecessor's place atomically: every
 * packet meets the set as it was or as it is. The set is known to the kernel alone, so that any
 * process may add and remove. Members are verified together, without source lines; name, tag and
 * statistics in the kernel are those of the whole.
 *
 * *Kernel:* 5.2. *Throws:* `ERR_LINK`: `EBUSY` with `owner` when another XDP program is there;
 * `ERR_VERIFIER`, `ERR_SPEC`.
 */
export function joinXdp(
	shared: SharedProgram,
	target: XdpTarget,
	options: JoinXdpOptions = {},
): XdpSet {
	const {spec, maps} = shared;
	const {priority = 50, chain = ['pass'], pin} = options;
	const action = `join program "${spec.name}" to xdp of "${target.xdp}"`;
	requireJoinable(action, spec);
	if (!Number.isInteger(priority)) throw new UsageError(`${action}: ${priority} is no priority`);
	const unknown = chain.find(each => !Object.hasOwn(xdpActions, each));
	if (unknown !== undefined) throw new UsageError(`${action}: no verdict "${unknown}"`);
	const references = spec.references.map(({slot, map}) => {
		const found = Object.hasOwn(maps, map) ? maps[map] : undefined;
		if (found !== undefined) return {slot, mapId: found.info.id};
		throw new LinkError(action, `it uses map "${map}", which was not given`);
	});
	const {name, license, flags} = spec;
	const {instructions} = relocateProgram(spec, coreTarget());
	const member = {name, priority, chain, license, flags, instructions, references};
	return change(action, target, pin, members => withMember(members, member));
}

/**
 * Takes a program out of those that share an interface; with the last one the dispatcher goes, and
 * the pin.
 *
 * *Throws:* `ERR_LINK`: `ENOENT` when there is none of that name.
 */
export function leaveXdp(
	name: string,
	target: XdpTarget,
	options: Pick<JoinXdpOptions, 'pin'> = {},
): readonly XdpMember[] {
	const action = `take program "${name}" out of xdp of "${target.xdp}"`;
	const {link, members} = change(action, target, undefined, present => {
		const left = present.filter(each => each.name !== name);
		if (left.length < present.length) return left;
		throw new LinkError(action, 'it is not there', {errno: ENOENT});
	});
	try {
		if (members.length > 0) return members;
		link.detach();
		if (options.pin !== undefined) unpinPath(options.pin);
		return members;
	} finally {
		link.close();
	}
}

/** The programs that share an interface; none when it is not shared. *Throws:* `ERR_LINK`. */
export function listXdpMembers(target: XdpTarget): readonly XdpMember[] {
	const action = `list programs at xdp of "${target.xdp}"`;
	return present(action, target).members.map(publicFacts);
}

const publicFacts = ({name, priority, chain}: XdpMember): XdpMember => ({name, priority, chain});

function requireJoinable(action: string, spec: ProgramSpec): void {
	checkLoadable(spec);
	if (spec.type !== 'xdp') throw new LinkError(action, `it is of type ${spec.type}, not xdp`);
	if (spec.externs.length === 0) return;
	throw new LinkError(action, "what depends on the running kernel's symbols cannot be joined");
}

interface Present {
	/** 0 when there is no dispatcher. */
	readonly programId: number;
	readonly members: readonly StoredMember[];
}

function present(action: string, target: XdpTarget): Present {
	return withInterface(action, target.xdp, target, ({ifindex, netns}) => {
		for (const {programId} of getDevice(ifindex, netns).xdp) {
			using dispatcher = openNamed(programId, dispatcherName);
			if (dispatcher === undefined) continue;
			return {programId, members: readManifest(action, dispatcher)};
		}

		return {programId: 0, members: []};
	});
}

/** Reads the set, edits it and puts the new one in its place, again when another did meanwhile. */
function change(
	action: string,
	target: XdpTarget,
	pin: string | undefined,
	edit: (members: readonly StoredMember[]) => StoredMember[],
): XdpSet {
	for (let attempt = 1; ; attempt++) {
		const {programId, members} = present(action, target);
		const next = edit(members);
		using program = load(next);
		try {
			const options = {expectedId: programId, ...(pin === undefined ? {} : {pin})};
			const {link} = attach(program, target, options);
			// Whoever took out the last member may have detached it at the same time.
			const isGone = link.mechanism === 'link' && link.info().ifindex === 0;
			if (!isGone) return {link, members: next.map(publicFacts)};
			link.close();
			if (attempt === maxAttempts)
				throw new LinkError(action, 'it is detached again and again');
		} catch (error) {
			const isRace = error instanceof LinkError && error.errno === ESTALE;
			if (!isRace || attempt === maxAttempts) throw error;
		}
	}
}

/** Loads the dispatcher of these members. */
function load(members: readonly StoredMember[]): Program {
	const ids = new Set(members.flatMap(each => each.references.map(({mapId}) => mapId)));
	const maps: Record<string, {readonly fd: number}> = {};
	try {
		maps[manifestKey] = {fd: createManifest(members)};
		for (const id of ids) maps[mapKey(id)] = {fd: objectFdById('map', id)};
		return loadProgram(joinPrograms(members), {maps});
	} finally {
		for (const {fd} of Object.values(maps)) addon.closeFd(fd);
	}
}
