import {viewOf} from '../../base/bytes.js';
import {Btf} from './btf.js';
import {BtfError} from './btf-error.js';
import {headerSize, readHeader} from './header.js';
import {kindExtra} from './kinds.js';

const recordSize = 12;
const arrayRecord = recordSize + 12;
const arrayKind = 3;

/**
 * `btf` with an array of `length` elements as the type of the variable at `offset` of a data
 * section, which has `size` bytes then. All ids stay; the new array comes last.
 *
 * *Throws:* `ERR_BTF` when the section has no array there.
 */
export function resizeArray(
	btf: Btf,
	sectionId: number,
	offset: number,
	length: number,
	size: number,
): {btf: Btf; arrayId: number} {
	const {littleEndian} = btf;
	const section = btf.type(sectionId);
	const index =
		section.kind === 'datasec'
			? section.variables.findIndex(variable => variable.offset === offset)
			: -1;
	const entry = section.kind === 'datasec' ? section.variables[index] : undefined;
	const variable = btf.type(entry?.typeId ?? 0);
	const array = variable.kind === 'var' ? btf.resolve(variable.typeId) : variable;
	if (array.kind !== 'array') throw new BtfError('it has no array there', {typeId: sectionId});

	const header = readHeader(btf.bytes, btf.base !== undefined);
	const {typeStart, typeSize, stringStart, stringSize} = header;
	const bytes = new Uint8Array(headerSize + typeSize + arrayRecord + stringSize);
	const view = viewOf(bytes);
	const set = (at: number, value: number): void => {
		view.setUint32(at, value, littleEndian);
	};
	bytes.set(btf.bytes.subarray(0, headerSize));
	bytes.set(btf.bytes.subarray(typeStart, typeStart + typeSize), headerSize);
	const strings = headerSize + typeSize + arrayRecord;
	bytes.set(btf.bytes.subarray(stringStart, stringStart + stringSize), strings);
	set(4, headerSize);
	set(8, 0);
	set(12, typeSize + arrayRecord);
	set(16, typeSize + arrayRecord);

	const arrayId = btf.typeCount;
	const last = headerSize + typeSize;
	set(last + 4, arrayKind << 24);
	set(last + recordSize, array.elementTypeId);
	set(last + recordSize + 4, array.indexTypeId);
	set(last + recordSize + 8, length);

	const starts = recordStarts(view, headerSize, last, littleEndian);
	const startOf = (id: number): number => starts[id - btf.firstId] ?? 0;
	set(startOf(variable.id) + 8, arrayId);
	set(startOf(sectionId) + 8, size);
	set(startOf(sectionId) + recordSize + index * 12 + 8, size - offset);
	return {
		btf: Btf.parse(bytes, btf.base === undefined ? {} : {base: btf.base}),
		arrayId,
	};
}

function recordStarts(view: DataView, from: number, to: number, littleEndian: boolean): number[] {
	const starts: number[] = [];
	for (let at = from; at < to;) {
		starts.push(at);
		const info = view.getUint32(at + 4, littleEndian);
		const [fixed, each] = kindExtra[(info >>> 24) & 0x1f] ?? [0, 0];
		at += recordSize + fixed + each * (info & 0xffff);
	}

	return starts;
}
