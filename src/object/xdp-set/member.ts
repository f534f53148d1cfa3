import type {XdpAction} from '../../uapi/verdicts.js';

/** One of several XDP programs that share an interface. */
export interface XdpMember {
	/** The program's name; no two of a set have the same. */
	readonly name: string;
	/** Lower ones run first; of equal ones, whoever joined first. */
	readonly priority: number;
	/** Verdicts after which the next member runs; any other is final, and so is the last member's. */
	readonly chain: readonly XdpAction[];
}

/** A member with what it takes to load it again beside others. */
export interface StoredMember extends XdpMember {
	readonly license: string;
	/** `BPF_F_*` bits of program load. */
	readonly flags: number;
	readonly instructions: Uint8Array;
	/** Slots that refer to maps, by the kernel's numbers. */
	readonly references: readonly {readonly slot: number; readonly mapId: number}[];
}

/** Where a member belongs in the order of a set. */
export function withMember(
	members: readonly StoredMember[],
	joining: StoredMember,
): StoredMember[] {
	const at = members.findIndex(each => each.name === joining.name);
	const isSamePlace = at >= 0 && members[at]?.priority === joining.priority;
	if (isSamePlace) return members.map((each, i) => (i === at ? joining : each));
	const others = members.filter(each => each.name !== joining.name);
	const next = others.findIndex(each => each.priority > joining.priority);
	return others.toSpliced(next < 0 ? others.length : next, 0, joining);
}
