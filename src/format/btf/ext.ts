/** `.BTF.ext`: which functions and source lines instructions come from, and CO-RE relocations. */

import {viewOf} from '../../base/bytes.js';
import {BtfError} from './btf-error.js';
import type {Btf} from './btf.js';

/** Records of one program section. Slots count 8-byte instructions from the section's start. */
export interface ExtSection {
	readonly functions: readonly ExtFunction[];
	readonly lines: readonly ExtLine[];
	readonly relocations: readonly CoreRelocation[];
}

export interface ExtFunction {
	readonly slot: number;
	/** Of the FUNC. */
	readonly typeId: number;
}

export interface ExtLine {
	readonly slot: number;
	/** String offsets in the BTF. */
	readonly fileOffset: number;
	readonly textOffset: number;
	/** Line in the high 22 bits, column in the low 10. */
	readonly lineColumn: number;
}

export interface CoreRelocation {
	readonly slot: number;
	readonly typeId: number;
	/** `0:1:2`: member indices from the type on, as a string offset. */
	readonly accessOffset: number;
	/** `BPF_CORE_*`. */
	readonly kind: number;
}

const magic = 0xeb9f;

/** The records by section name. *Throws:* `ERR_BTF`. */
export function parseBtfExt(bytes: Uint8Array, btf: Btf): Map<string, ExtSection> {
	const view = viewOf(bytes);
	if (bytes.length < 24) throw new BtfError(`.BTF.ext of ${bytes.length} bytes holds no header`);
	const {littleEndian} = btf;
	if (view.getUint16(0, littleEndian) !== magic) {
		throw new BtfError('.BTF.ext does not begin with the magic number of its .BTF', {offset: 0});
	}

	if (bytes[2] !== 1) throw new BtfError(`version ${bytes[2]} of .BTF.ext is not known`);
	const header = view.getUint32(4, littleEndian);
	if (header < 24 || header > bytes.length) {
		throw new BtfError(`a .BTF.ext header of ${header} bytes is not possible`, {offset: 4});
	}

	const sections = new Map<string, Draft>();
	const context = {view, btf, header, sections};
	readPart(context, 'functions', 8, 8, functionAt);
	readPart(context, 'lines', 16, 16, lineAt);
	if (header >= 32) readPart(context, 'relocations', 24, 16, relocationAt);
	return sections;
}

interface Draft {
	functions: ExtFunction[];
	lines: ExtLine[];
	relocations: CoreRelocation[];
}

interface Context {
	readonly view: DataView;
	readonly btf: Btf;
	readonly header: number;
	readonly sections: Map<string, Draft>;
}

/** Reads one of the three parts: a record size, then for each section its name and its records. */
function readPart<K extends keyof Draft>(
	{view, btf, header, sections}: Context,
	part: K,
	headerOffset: number,
	minimum: number,
	read: (context: RecordContext, at: number) => Draft[K][number],
): void {
	const {littleEndian} = btf;
	const u32 = (at: number): number => view.getUint32(at, littleEndian);
	const fail = (detail: string, offset: number): never => {
		throw new BtfError(`${part} of .BTF.ext: ${detail}`, {offset});
	};

	const length = u32(headerOffset + 4);
	if (length === 0) return;
	let at = header + u32(headerOffset);
	const end = at + length;
	if (at % 4 !== 0 || length < 4) fail('they do not begin with a record size', at);
	if (end > view.byteLength) fail('they reach beyond the end', at);
	const size = u32(at);
	if (size < minimum || size % 4 !== 0) fail(`records of ${size} bytes are not possible`, at);
	at += 4;
	while (at < end) {
		if (at + 8 > end) fail('a section is cut off', at);
		const name = btf.string(u32(at));
		const count = u32(at + 4);
		at += 8;
		if (count === 0) fail(`section "${name}" has no records`, at);
		if (at + count * size > end) fail(`section "${name}" is cut off`, at);
		const draft = sections.get(name) ?? {functions: [], lines: [], relocations: []};
		sections.set(name, draft);
		const list = draft[part] as Draft[K][number][];
		const context = {u32, btf, fail};
		for (let i = 0; i < count; i++, at += size) list.push(read(context, at));
	}
}

interface RecordContext {
	readonly u32: (at: number) => number;
	readonly btf: Btf;
	readonly fail: (detail: string, offset: number) => never;
}

function slotAt({u32, fail}: RecordContext, at: number): number {
	const offset = u32(at);
	return offset % 8 === 0 ? offset / 8 : fail(`byte ${offset} is inside an instruction`, at);
}

function functionAt(context: RecordContext, at: number): ExtFunction {
	const typeId = context.u32(at + 4);
	if (context.btf.type(typeId).kind !== 'func') {
		context.fail(`type ${typeId} is not a function`, at);
	}

	return {slot: slotAt(context, at), typeId};
}

function lineAt(context: RecordContext, at: number): ExtLine {
	const {u32} = context;
	return {
		slot: slotAt(context, at),
		fileOffset: u32(at + 4),
		textOffset: u32(at + 8),
		lineColumn: u32(at + 12),
	};
}

function relocationAt(context: RecordContext, at: number): CoreRelocation {
	const {u32} = context;
	return {
		slot: slotAt(context, at),
		typeId: u32(at + 4),
		accessOffset: u32(at + 8),
		kind: u32(at + 12),
	};
}
