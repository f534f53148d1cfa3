import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {programArray} from '../../kernel/sys/info.js';
import {openBtfById} from '../btf/open-btf.js';
import type {ProgramInfo} from './program-info.js';

/** Names of functions and lines of source, by the slot of the instruction they begin at. */
export interface Positions {
	readonly functions: readonly {readonly slot: number; readonly name: string}[];
	readonly lines: readonly {readonly slot: number; readonly text: string}[];
}

/** What the kernel still knows of a program's source. *Throws:* `ERR_SYSCALL`, `ERR_BTF_OPEN`. */
export function readPositions(fd: number, {btfId}: ProgramInfo): Positions {
	if (btfId === 0) return {functions: [], lines: []};
	const types = openBtfById(btfId);
	const functions = records(programArray(fd, 'functions'), 8, (u32, at) => ({
		slot: u32(at),
		name: types.type(u32(at + 4)).name,
	}));
	const lines = records(programArray(fd, 'lines'), 16, (u32, at) => ({
		slot: u32(at),
		text: types.string(u32(at + 8)).trim(),
	}));
	return {functions, lines};
}

function records<T>(
	bytes: Uint8Array,
	size: number,
	read: (u32: (at: number) => number, at: number) => T,
): T[] {
	const view = viewOf(bytes);
	const u32 = (at: number): number => view.getUint32(at, hostLittleEndian);
	return Array.from({length: bytes.length / size}, (_, i) => read(u32, i * size));
}
