/** What the kernel holds of a loaded object, in a form that two loads of it have in common. */

import {type BpfMap, openMapById, type Program} from '../src/index.js';

/** One program as the kernel has it. */
export interface ProgramFacts {
	readonly type: string;
	/** What it attaches to in the kernel's types, or in another program's. */
	readonly attachBtfId: number;
	readonly functions: number;
	readonly lines: number;
	/** As the verifier left them, a line each, what differs from load to load by its name. */
	readonly code: readonly string[];
}

export interface Facts {
	readonly programs: Readonly<Record<string, ProgramFacts>>;
	/** Descriptions, sorted. */
	readonly maps: readonly string[];
}

const wideLoad = 0x18;
const byMap: ReadonlySet<number> = new Set([1, 2]);

/** What both loads of a map must have in common; maps are told from each other by it, too. */
export function mapFacts({info}: BpfMap): string {
	const {name, type, keySize, valueSize, maxEntries, flags, extra} = info;
	const typed = info.keyTypeId === 0 && info.valueTypeId === 0 ? 'untyped' : 'typed';
	const size = `${keySize} ${valueSize} ${maxEntries}`;
	return `${name} ${type} ${size} 0x${flags.toString(16)} ${extra} ${typed}`;
}

/** Of all programs of a load; `names` is filled with what their maps are like. */
export function programFacts(program: Program, names: Map<number, string>): ProgramFacts {
	const info = program.info();
	for (const id of program.mapIds()) {
		if (names.has(id)) continue;
		using map = openMapById(id);
		names.set(id, mapFacts(map));
	}

	return {
		type: info.type,
		attachBtfId: info.attachBtfId,
		functions: info.functionCount,
		lines: info.lineCount,
		code: codeLines(program.translated(), names),
	};
}

/** Numbers of maps and addresses of what the kernel allocates are another load's own. */
function codeLines(code: Uint8Array, maps: ReadonlyMap<number, string>): string[] {
	const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
	const lines: string[] = [];
	const words = (at: number): string =>
		`${view.getUint32(at).toString(16).padStart(8, '0')} ${view.getInt32(at + 4, true)}`;
	for (let at = 0; at + 8 <= code.length; at += 8) {
		if (code[at] !== wideLoad || at + 16 > code.length) {
			lines.push(words(at));
			continue;
		}

		const source = (code[at + 1] ?? 0) >> 4;
		const low = view.getUint32(at + 4, true);
		const high = view.getUint32(at + 12, true);
		if (byMap.has(source)) {
			lines.push(`${code[at + 1]} map ${maps.get(low) ?? '?'} + ${high}`);
		} else if (high >= 0xffff_8000 && high < 0xffff_ffff) {
			lines.push(`${code[at + 1]} allocated`);
		} else {
			lines.push(`${words(at)} ${high}`);
		}

		at += 8;
	}

	return lines;
}
