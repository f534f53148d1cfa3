/** Several XDP programs as one: each becomes a function that a dispatcher calls in turn. */

import {hostLittleEndian} from '../../base/bytes.js';
import {assemble} from '../../format/asm/assemble.js';
import {callSubprogram, exit, jumpIf, loadMapFd, mov} from '../../format/asm/build.js';
import {slotCount, type Instruction} from '../../format/asm/instruction.js';
import type {ProgramSpec} from '../../spec/types.js';
import {programFlags} from '../../uapi/flags.js';
import {xdpActions} from '../../uapi/verdicts.js';
import type {StoredMember} from './member.js';

/** The dispatcher's name, by which it is known on an interface. */
export const dispatcherName = 'skep_dispatcher';

/** How the references of the joined program name the map of a number. */
export const mapKey = (mapId: number): string => `map ${mapId}`;
/** How they name the dispatcher's own list. */
export const manifestKey = 'members';

const gplCompatible: ReadonlySet<string> = new Set([
	'GPL',
	'GPL v2',
	'GPL and additional rights',
	'Dual BSD/GPL',
	'Dual MIT/GPL',
	'Dual MPL/GPL',
]);

/** The program that runs the members in order, to be loaded with the maps that they refer to. */
export function joinPrograms(members: readonly StoredMember[]): ProgramSpec {
	const offsets: number[] = [];
	let end = assemble(dispatch(members, [])).length / 8;
	for (const {instructions} of members) {
		offsets.push(end);
		end += instructions.length / 8;
	}

	const head = assemble(dispatch(members, offsets));
	const references = members.flatMap((member, i) =>
		member.references.map(({slot, mapId}) => ({
			slot: slot + (offsets[i] ?? 0),
			kind: 'map' as const,
			map: mapKey(mapId),
			offset: 0,
		})),
	);
	const manifest = {slot: 0, kind: 'map' as const, map: manifestKey, offset: 0};
	const hasFrags = members.every(each => (each.flags & programFlags.xdp_has_frags) !== 0);
	return {
		kind: 'program',
		name: dispatcherName,
		section: 'xdp',
		type: 'xdp',
		attachType: 'xdp',
		attachTarget: undefined,
		flags: hasFrags ? programFlags.xdp_has_frags : 0,
		autoload: true,
		// The kernel goes by the one that allows least.
		license: members.find(each => !gplCompatible.has(each.license))?.license ?? 'GPL',
		byteOrder: hostLittleEndian ? 'little' : 'big',
		instructions: Buffer.concat([head, ...members.map(each => each.instructions)]),
		references: [manifest, ...references],
		externs: [],
		functions: [],
		lines: [],
		coreRelocations: [],
		types: undefined,
	};
}

/** The dispatcher itself; without `offsets`, of the right length only. */
function dispatch(members: readonly StoredMember[], offsets: readonly number[]) {
	// Its list of members lives as long as a program refers to it.
	const code: (Instruction | string)[] = [loadMapFd('r0', 0), mov('r6', 'r1')];
	for (const [i, {chain}] of members.entries()) {
		code.push(mov('r1', 'r6'));
		const next = slots(code) + 1;
		code.push(callSubprogram((offsets[i] ?? next) - next));
		if (i === members.length - 1) break;
		for (const action of chain) {
			const number = xdpActions[action as keyof typeof xdpActions];
			code.push(jumpIf('w0', '==', number, `next${i}`));
		}

		code.push(exit(), `next${i}`);
	}

	if (members.length === 0) code.push(mov('r0', xdpActions.pass));
	code.push(exit());
	return code;
}

function slots(code: readonly (Instruction | string)[]): number {
	return code.reduce((sum, each) => sum + (typeof each === 'string' ? 0 : slotCount(each)), 0);
}
