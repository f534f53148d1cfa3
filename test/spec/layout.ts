import {decodeInstruction} from '../../src/format/asm/codec.js';
import {slotCount, wideLoad} from '../../src/format/asm/instruction.js';
import type {ProgramSpec} from '../../src/spec/types.js';

export interface Layout {
	/** Names of the functions, in order. */
	readonly functions: string[];
	/** `caller>callee` for calls, `caller&callee` for addresses, in order. */
	readonly calls: string[];
}

/** Who calls whom in a linked program, by the names that its function info gives. */
export function layoutOf(program: ProgramSpec): Layout {
	const {instructions, functions, types, byteOrder} = program;
	const names = functions.map(({typeId}) => types?.type(typeId).name ?? '');
	const nameAt = (slot: number): string => {
		const index = functions.findIndex(info => info.slot === slot);
		return names[index] ?? `no function at ${slot}`;
	};
	const calls: string[] = [];
	let caller = '';
	for (let slot = 0; slot < instructions.length / 8;) {
		if (functions.some(info => info.slot === slot)) caller = nameAt(slot);
		const instruction = decodeInstruction(instructions, slot, byteOrder === 'little');
		const target = slot + 1 + instruction.imm;
		if (instruction.opcode === 0x85 && instruction.src === 1) {
			calls.push(`${caller}>${nameAt(target)}`);
		} else if (instruction.opcode === wideLoad && instruction.src === 4) {
			calls.push(`${caller}&${nameAt(target)}`);
		}

		slot += slotCount(instruction);
	}

	return {functions: names, calls};
}
