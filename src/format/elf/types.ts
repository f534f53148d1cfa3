/** What an ELF object says, as plain data. */

/** Values of `ElfSection.type`: `SHT_*`. */
export const sectionTypes = {
	null: 0,
	progbits: 1,
	symtab: 2,
	strtab: 3,
	rela: 4,
	nobits: 8,
	rel: 9,
} as const;

/** Bits of `ElfSection.flags`: `SHF_*`. */
export const sectionFlags = {write: 1, alloc: 2, execinstr: 4, compressed: 0x800} as const;

/** Values of `ElfSymbol.sectionIndex` that are no section: `SHN_*`. */
export const specialSections = {undefined: 0, absolute: 0xfff1, common: 0xfff2} as const;

/** Values of `ElfRelocation.type`: `R_BPF_*`. */
export const relocationTypes = {
	none: 0,
	/** The immediate of a 16-byte load; in data of old compilers, 8 bytes. */
	wide: 1,
	/** 8 bytes of data. */
	abs64: 2,
	/** 4 bytes of data. */
	abs32: 3,
	/** 4 bytes of `.BTF` or `.BTF.ext`. */
	nodyld32: 4,
	/** The immediate of a call. */
	call: 10,
} as const;

export interface ElfSection {
	readonly index: number;
	readonly name: string;
	/** One of `sectionTypes`, or any other number. */
	readonly type: number;
	readonly flags: number;
	readonly address: number;
	/** Bytes from the start of the file. */
	readonly offset: number;
	/** Bytes in memory; of `data` as well unless the type is `nobits`. */
	readonly size: number;
	readonly link: number;
	readonly info: number;
	readonly alignment: number;
	readonly entrySize: number;
	/** A view into the file's bytes, not a copy; empty for `nobits`. */
	readonly data: Uint8Array;
}

const symbolTypes = ['notype', 'object', 'func', 'section', 'file', 'common', 'tls'] as const;
const bindings = ['local', 'global', 'weak'] as const;
const visibilities = ['default', 'internal', 'hidden', 'protected'] as const;

export type ElfSymbolType = (typeof symbolTypes)[number];
export type ElfBinding = (typeof bindings)[number];
export type ElfVisibility = (typeof visibilities)[number];

/** `STT_*`, `STB_*` and `STV_*`, by number. */
export const symbolNames = {types: symbolTypes, bindings, visibilities};

export interface ElfSymbol {
	readonly index: number;
	/** Empty for the symbol of a section. */
	readonly name: string;
	readonly type: ElfSymbolType;
	readonly binding: ElfBinding;
	readonly visibility: ElfVisibility;
	/** Index of its section, or one of `specialSections`. */
	readonly sectionIndex: number;
	/** Bytes from the start of its section. */
	readonly value: number;
	/** Bytes; `value + size` is inside the section. */
	readonly size: number;
}

export interface ElfRelocation {
	/** Bytes from the start of the section that is relocated. */
	readonly offset: number;
	/** One of `relocationTypes`, or any other number. */
	readonly type: number;
	readonly symbol: ElfSymbol;
}
