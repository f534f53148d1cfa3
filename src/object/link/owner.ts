/** Who holds a hook: the program, and what keeps it there. */

import {EbpfError} from '../../base/errors.js';
import {findHolders, type Holder} from '../../kernel/host/holders.js';
import {getDevice, type XdpMode} from '../../kernel/netlink/device.js';
import {listPins} from '../pin/list-pins.js';
import {openProgramById} from '../program/program.js';
import {listLinks} from './list-links.js';

/** A program on a hook; what the kernel does not tell this process is left out. */
export interface Owner {
	readonly programId: number;
	readonly programName?: string;
	readonly tag?: string;
	readonly linkId?: number;
	/** XDP: where it runs. */
	readonly mode?: XdpMode;
	/** Pins of the link, or of the program where no link holds it. */
	readonly pins: readonly string[];
	/** Processes that hold the link, or the program where no link holds it. */
	readonly processes: readonly Holder[];
}

/** Gathers what there is to know of a program that is attached. */
export function findOwner(programId: number, linkId?: number, mode?: XdpMode): Owner {
	const [kind, id] =
		linkId === undefined ? (['program', programId] as const) : (['link', linkId] as const);
	const holders = findHolders(kind === 'link' ? 'link' : 'prog').get(id) ?? [];
	return {
		programId,
		...nameAndTag(programId),
		...(linkId === undefined ? {} : {linkId}),
		...(mode === undefined ? {} : {mode}),
		pins: [...listPins()]
			.filter(pin => pin.kind === kind && pin.id === id)
			.map(pin => pin.path),
		processes: holders,
	};
}

function nameAndTag(programId: number): {programName?: string; tag?: string} {
	return (
		ifAllowed(() => {
			using program = openProgramById(programId);
			return {programName: program.name, tag: program.info().tag};
		}) ?? {}
	);
}

/** The program at XDP of an interface; undefined when there is none any more. */
export function xdpOwner(ifindex: number, netns: number | undefined): Owner | undefined {
	const found = ifAllowed(() => getDevice(ifindex, netns).xdp[0]);
	if (found === undefined) return undefined;
	return findOwner(found.programId, xdpLinkId(ifindex, found.programId), found.mode);
}

/** The link that holds a program at XDP of an interface. */
export function xdpLinkId(ifindex: number, programId: number): number | undefined {
	// Interfaces of different namespaces have the same numbers; the program tells them apart.
	return ifAllowed(() =>
		[...listLinks()].find(
			each => each.type === 'xdp' && each.ifindex === ifindex && each.programId === programId,
		),
	)?.id;
}

/** `program 40 "drop" (tag 0a1b…) in native mode by link 12, pinned at /sys/fs/bpf/x, held by node(7)`. */
export function describeOwner(owner: Owner): string {
	const {programId, programName, tag, linkId, mode, pins, processes} = owner;
	const name = programName === undefined ? '' : ` "${programName}"`;
	const facts = [
		`program ${programId}${name}${tag === undefined ? '' : ` (tag ${tag})`}`,
		...(mode === undefined ? [] : [`in ${mode} mode`]),
		linkId === undefined ? 'without a link' : `by link ${linkId}`,
	].join(' ');
	const held = processes.map(({pid, command}) =>
		pid === process.pid ? 'this process' : `${command}(${pid})`,
	);
	return [
		facts,
		...(pins.length === 0 ? [] : [`pinned at ${pins.join(' and ')}`]),
		...(held.length === 0 ? [] : [`held by ${[...new Set(held)].join(', ')}`]),
	].join(', ');
}

/** Ids of objects are for those only who may administrate the system. */
function ifAllowed<T>(read: () => T): T | undefined {
	try {
		return read();
	} catch (error) {
		if (error instanceof EbpfError) return undefined;
		throw error;
	}
}
