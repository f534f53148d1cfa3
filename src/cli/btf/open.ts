import type {Btf} from '../../index.js';
import {UsageError} from '../../base/errors.js';

/** What a verb's first argument may name. */
export const sourceHelp = 'id, object file, or "kernel"';

export async function openTypes(text: string): Promise<Btf> {
	const {kernelBtf, openBtfById, readObject} = await import('../../index.js');
	if (text === 'kernel') return kernelBtf();
	if (/^\d+$/.test(text)) return openBtfById(Number(text));
	const {types} = await readObject(text);
	if (types === undefined) throw new UsageError(`read types of "${text}": the object has no BTF`);
	return types;
}
