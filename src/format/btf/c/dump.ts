/** Types as C that a compiler takes: `vmlinux.h`. */

import {allIds, type Btf} from '../btf.js';
import {CWriter} from './writer.js';

/** Which types are written as C, and how. */
export interface DumpOptions {
	/** These types and all they need; all types unless given. */
	readonly types?: Iterable<number>;
	/** Also prototypes of the kernel functions that programs may call; false unless given. */
	readonly kfuncs?: boolean;
	/**
	 * Records accesses to fields, so that a program finds them in kernels that are laid out
	 * otherwise (CO-RE); true unless given.
	 */
	readonly accessIndex?: boolean;
	/** Defined by the text, so that it is read once: `__VMLINUX_H__` unless given. */
	readonly guard?: string;
}

const chunkSize = 1 << 16;

/**
 * Types as a header for clang, in pieces of some 64 KiB. Sizes and offsets are those of the BTF on
 * any 64-bit target: gaps are filled and `packed` is said where the compiler would do otherwise.
 * Types of one name are told apart by `___2`, `___3`, which are flavours to CO-RE.
 *
 * *Throws:* `ERR_BTF` for types that C cannot say: structs that contain themselves.
 */
export function* dumpC(btf: Btf, options: DumpOptions = {}): Generator<string> {
	const {guard = '__VMLINUX_H__', accessIndex = true, types, kfuncs = false} = options;
	const writer = new CWriter(btf);
	let push = accessIndex ? pushAccessIndex : '';
	const take = (): string => {
		// Without a struct, clang would say that the attribute is for nothing.
		if (!writer.hasBodies) return writer.take();
		const text = push + writer.take();
		push = '';
		return text;
	};
	yield `#ifndef ${guard}\n#define ${guard}\n\n${tagMacro}`;
	for (const id of types ?? allIds(btf)) {
		writer.add(id);
		if (writer.length > chunkSize) yield take();
	}

	if (types === undefined) writer.addAnonymousEnums();
	if (kfuncs) writer.addKfuncs();
	yield take();
	yield `${accessIndex && writer.hasBodies ? popAccessIndex : ''}#endif\n`;
}

const pushAccessIndex = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

`;
const popAccessIndex = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

`;
const tagMacro = `#ifndef __has_attribute
#define __has_attribute(name) 0
#endif
#if __has_attribute(btf_type_tag)
#define __btf_type_tag(name) __attribute__((btf_type_tag(name)))
#else
#define __btf_type_tag(name)
#endif

`;
