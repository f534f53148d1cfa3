/** Finds what a program declares and the running kernel has: variables, functions, addresses. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {EbpfError} from '../../base/errors.js';
import type {Btf} from '../../format/btf/btf.js';
import {areCompatible} from '../../format/btf/compatible.js';
import {kernelBtf, KernelBtfError} from '../../kernel/host/kernel-btf.js';
import {KernelSymbols} from '../../kernel/host/kernel-symbols.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import type {ExternSpec, ProgramSpec} from '../../spec/types.js';
import {pseudoCalls, pseudoLoads} from '../../uapi/pseudo.js';
import {type ModuleTypes, moduleTypes} from '../btf/module-types.js';
import {absentFunction} from './poison.js';
import {ProgramError} from './program-error.js';

/** Where externs are looked up. */
export interface ExternSources {
	/** *Throws:* `ERR_KERNEL_BTF`. */
	readonly kernel: () => Btf;
	/** *Throws:* `ERR_SYSCALL`. */
	readonly modules: () => Iterable<ModuleTypes>;
	/** *Throws:* `ERR_KERNEL_SYMBOL`. */
	readonly address: (name: string) => bigint | undefined;
}

type Found =
	| {readonly kind: 'typed'; readonly typeId: number; readonly module?: ModuleTypes}
	| {readonly kind: 'address'; readonly address: bigint}
	| {readonly kind: 'absent'; readonly why: string; readonly cause?: unknown};

function runningKernel(): ExternSources {
	const symbols = new KernelSymbols();
	return {
		kernel: () => kernelBtf(),
		modules: moduleTypes,
		address: name => symbols.address(name),
	};
}

/** Looks each name up once, however many programs use it; holds descriptors of modules' types. */
export class ExternResolver implements Disposable {
	readonly #sources: ExternSources;
	readonly #found = new Map<string, Found>();
	#modules: ModuleTypes[] | undefined;
	#modulesError: unknown;

	constructor(sources: ExternSources = runningKernel()) {
		this.#sources = sources;
	}

	/** `types` are those of the object. *Throws:* what reading the kernel's symbols throws. */
	find(extern: ExternSpec, types: Btf | undefined): Found {
		let found = this.#found.get(extern.name);
		if (found === undefined) {
			found = extern.form === 'address' ? this.#address(extern) : this.#typed(extern, types);
			this.#found.set(extern.name, found);
		}

		return found;
	}

	close(): void {
		for (const {fd} of this.#modules ?? []) fd.close();
		this.#modules = [];
	}

	[Symbol.dispose](): void {
		this.close();
	}

	#address({name, weak}: ExternSpec): Found {
		let address;
		try {
			address = this.#sources.address(name);
		} catch (cause) {
			if (!(cause instanceof EbpfError)) throw cause;
			if (!weak) return {kind: 'absent', why: cause.message, cause};
		}

		return address === undefined
			? {kind: 'absent', why: 'this kernel has no such symbol'}
			: {kind: 'address', address};
	}

	#typed(extern: ExternSpec, types: Btf | undefined): Found {
		const kind = extern.form === 'function' ? 'func' : 'var';
		// What follows three underscores only tells variants of a declaration apart.
		const name = extern.name.replace(/(?<=.)___.*$/s, '');
		const incompatible: Btf[] = [];
		const search = (btf: Btf): number | undefined => {
			const type = btf.find(name, kind);
			if (type === undefined) return undefined;
			if (kind === 'var' || types === undefined) return type.id;
			if (areCompatible(types, extern.typeId, btf, type.id)) return type.id;
			incompatible.push(btf);
			return undefined;
		};
		let cause: unknown;
		try {
			const typeId = search(this.#sources.kernel());
			if (typeId !== undefined) return {kind: 'typed', typeId};
			for (const module of this.#moduleList()) {
				const typeId = search(module.btf);
				if (typeId !== undefined) return {kind: 'typed', typeId, module};
			}
		} catch (error) {
			if (!(error instanceof KernelBtfError)) throw error;
			cause = error;
		}

		const what = kind === 'func' ? 'function' : 'variable with a type';
		if (incompatible.length > 0) {
			return {kind: 'absent', why: "the kernel's has other parameters"};
		}

		const own = cause instanceof Error ? cause.message : `this kernel has no such ${what}`;
		const unread = this.#modulesError instanceof Error ? this.#modulesError.message : '';
		const why = unread === '' ? own : `${own}, and its modules cannot be read (${unread})`;
		return {kind: 'absent', why, ...(cause === undefined ? {} : {cause})};
	}

	/** Without the privilege to read them, only what the kernel itself has is found. */
	#moduleList(): readonly ModuleTypes[] {
		if (this.#modules !== undefined) return this.#modules;
		this.#modules = [];
		try {
			for (const module of this.#sources.modules()) this.#modules.push(module);
		} catch (error) {
			if (!(error instanceof SyscallError)) throw error;
			this.#modulesError = error;
		}

		return this.#modules;
	}
}

/**
 * Fills in what `spec` uses of the running kernel, in `instructions`, and gives the descriptors of
 * the modules' types that calls refer to by index.
 *
 * *Throws:* `ERR_PROGRAM` for what is not there and not weak.
 */
export function applyExterns(
	instructions: Uint8Array,
	spec: Pick<ProgramSpec, 'name' | 'externs' | 'types'>,
	resolver: ExternResolver,
): Uint8Array | undefined {
	const writer = new Writer(instructions);
	refuseAbsent(spec, resolver);
	for (const [index, {slot, kind, extern, offset}] of spec.externs.entries()) {
		const found = resolver.find(extern, spec.types);
		if (kind === 'call') writer.call(slot, found, index);
		else writer.load(slot, found, offset);
	}

	return writer.descriptors();
}

/** Names all that are missing: who has to find other ones would rather know at once. */
function refuseAbsent(
	{name, externs, types}: Pick<ProgramSpec, 'name' | 'externs' | 'types'>,
	resolver: ExternResolver,
): void {
	const strong = externs.filter(({extern}) => !extern.weak).map(({extern}) => extern);
	const absent = strong.filter(extern => resolver.find(extern, types).kind === 'absent');
	const [first] = absent;
	if (first === undefined) return;
	const found = resolver.find(first, types);
	if (found.kind !== 'absent') return;
	const others = new Set(absent.map(extern => `"${extern.name}"`));
	others.delete(`"${first.name}"`);
	const what = first.form === 'function' ? 'kernel function' : 'kernel symbol';
	// Where nothing could be looked up, nobody knows what is missing.
	const known = found.cause === undefined && others.size > 0;
	const also = !known ? '' : `; also missing: ${[...others].join(', ')}`;
	const detail = `it uses ${what} "${first.name}": ${found.why}${also}`;
	throw new ProgramError('load', name, detail, {cause: found.cause});
}

class Writer {
	readonly #view: DataView;
	readonly #modules: ModuleTypes[] = [];

	constructor(instructions: Uint8Array) {
		this.#view = viewOf(instructions);
	}

	load(slot: number, found: Found, offset: number): void {
		if (found.kind === 'typed') {
			this.#source(slot, pseudoLoads.btf_id);
			this.#immediate(slot, found.typeId);
			this.#immediate(slot + 1, found.module?.fd.number ?? 0);
			return;
		}

		const address = found.kind === 'address' ? found.address + BigInt(offset) : 0n;
		this.#source(slot, pseudoLoads.number);
		this.#immediate(slot, Number(BigInt.asIntN(32, address)));
		this.#immediate(slot + 1, Number(BigInt.asIntN(32, address >> 32n)));
	}

	call(slot: number, found: Found, index: number): void {
		const typed = found.kind === 'typed';
		this.#source(slot, typed ? pseudoCalls.kfunc : pseudoCalls.helper);
		const descriptor = typed && found.module !== undefined ? this.#indexOf(found.module) : 0;
		this.#view.setInt16(slot * 8 + 2, descriptor, hostLittleEndian);
		this.#immediate(slot, typed ? found.typeId : absentFunction + index);
	}

	/** Index 0 is the kernel itself. */
	descriptors(): Uint8Array | undefined {
		if (this.#modules.length === 0) return undefined;
		const numbers = Int32Array.of(0, ...this.#modules.map(({fd}) => fd.number));
		return new Uint8Array(numbers.buffer);
	}

	#indexOf(module: ModuleTypes): number {
		if (!this.#modules.includes(module)) this.#modules.push(module);
		return this.#modules.indexOf(module) + 1;
	}

	#source(slot: number, source: number): void {
		const registers = this.#view.getUint8(slot * 8 + 1);
		const patched = hostLittleEndian
			? (registers & 0x0f) | (source << 4)
			: (registers & 0xf0) | source;
		this.#view.setUint8(slot * 8 + 1, patched);
	}

	#immediate(slot: number, value: number): void {
		this.#view.setInt32(slot * 8 + 4, value, hostLittleEndian);
	}
}
