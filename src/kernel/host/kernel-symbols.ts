/** Addresses of the kernel's own symbols. */

import {readFileSync} from 'node:fs';

import {EbpfError} from '../../base/errors.js';

/** An address that the kernel does not give. */
export class KernelSymbolError extends EbpfError {
	static {
		this.prototype.name = 'KernelSymbolError';
	}

	readonly code = 'ERR_KERNEL_SYMBOL';
}

const newline = 10;
const tab = 9;

/** The kernel's symbol table, read once. */
export class KernelSymbols {
	readonly #path: string;
	#table: Buffer | undefined;

	constructor(path = '/proc/kallsyms') {
		this.#path = path;
	}

	/**
	 * The address of a symbol; undefined when there is none of that name.
	 *
	 * *Throws:* `ERR_KERNEL_SYMBOL` where several have that name, where addresses are hidden
	 * (`kernel.kptr_restrict`, CAP_SYSLOG) or the kernel has no table (`CONFIG_KALLSYMS`).
	 */
	address(name: string): bigint | undefined {
		const found = this.#find(name);
		if (found.length > 1) {
			throw new KernelSymbolError(
				`find kernel symbol "${name}": ${found.length} symbols have this name`,
			);
		}

		if (found[0] === 0n) {
			throw new KernelSymbolError(
				`find kernel symbol "${name}": addresses are hidden (kernel.kptr_restrict): CAP_SYSLOG is needed`,
			);
		}

		return found[0];
	}

	/** Is there a symbol of that name? *Throws:* `ERR_KERNEL_SYMBOL` without a table. */
	has(name: string): boolean {
		return this.#find(name).length > 0;
	}

	/** Lines are `ffffffff81000000 T _text`, and a tab and `[module]` for those of modules. */
	#find(name: string): bigint[] {
		if (name === '' || /\s/.test(name)) return [];
		const table = (this.#table ??= this.#read());
		const needle = Buffer.from(` ${name}`);
		const found = new Set<bigint>();
		for (let at = table.indexOf(needle); at >= 0; at = table.indexOf(needle, at + 1)) {
			const next = table[at + needle.length];
			if (next !== newline && next !== tab && next !== undefined) continue;
			const line = table.lastIndexOf(newline, at) + 1;
			const [address = ''] = table.toString('latin1', line, at).split(' ', 1);
			if (/^[0-9a-f]+$/i.test(address)) found.add(BigInt(`0x${address}`));
		}

		return [...found];
	}

	#read(): Buffer {
		try {
			return readFileSync(this.#path);
		} catch (cause) {
			throw new KernelSymbolError(
				`read kernel symbols "${this.#path}": the kernel has no table (CONFIG_KALLSYMS) or /proc is not mounted`,
				{cause},
			);
		}
	}
}
