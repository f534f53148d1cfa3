/** What an object file says, as plain data: nothing here needs a kernel or a privilege. */

import type {Btf} from '../format/btf/btf.js';
import type {CoreRelocation} from '../format/btf/ext.js';
import type {AttachType} from '../uapi/attach-types.js';
import type {MapType} from '../uapi/map-types.js';
import type {ProgramType} from '../uapi/program-types.js';
import type {VariableSpec} from './variable.js';

/** Everything in one object file. Records have no prototype, so any name is safe as a key. */
export interface CollectionSpec {
	readonly kind: 'collection';
	/** The file's base name without `.bpf.o` or `.o`; prefixes the names of data-section maps. */
	readonly name: string;
	readonly byteOrder: 'little' | 'big';
	/** Empty when the object has no license section. */
	readonly license: string;
	/** The object's own BTF, with the sizes and offsets of its data sections filled in. */
	readonly types: Btf | undefined;
	readonly maps: Readonly<Record<string, MapSpec>>;
	readonly programs: Readonly<Record<string, ProgramSpec>>;
	readonly variables: Readonly<Record<string, VariableSpec>>;
	/**
	 * Those of `variables` that configure the object by convention: `__config_NAME` in the section
	 * `.rodata.config`, here by NAME.
	 */
	readonly config: Readonly<Record<string, VariableSpec>>;
	/** What the object declares and the running kernel has to give. */
	readonly externs: Readonly<Record<string, ExternSpec>>;
}

/** Something of the running kernel that the object declares and uses by name. */
export interface ExternSpec {
	readonly kind: 'extern';
	readonly name: string;
	/**
	 * `setting`: of the kernel's configuration, its value in the map `.kconfig`. `variable`,
	 * `function`: found in the kernel's BTF or a module's. `address`: a symbol without a type.
	 */
	readonly form: 'setting' | 'variable' | 'function' | 'address';
	/** May be absent: a setting is 0 then, an address NULL, and a call refused where reached. */
	readonly weak: boolean;
	/** Declared type in the object's BTF: of a function the FUNC. */
	readonly typeId: number;
	/** Bytes from the start of `.kconfig`, for a setting. */
	readonly offset: number;
	/** Bytes of a setting. */
	readonly size: number;
}

/** A map as an object declares it. */
export interface MapSpec {
	readonly kind: 'map';
	/** The name the kernel is given, at most 15 bytes. */
	readonly name: string;
	readonly type: MapType;
	/** Bytes. */
	readonly keySize: number;
	/** Bytes; of one CPU's value for per-CPU maps. */
	readonly valueSize: number;
	readonly maxEntries: number;
	/** `BPF_F_*` bits of map creation. */
	readonly flags: number;
	/** `map_extra`: hash functions of a bloom filter, address of an arena. */
	readonly extra: bigint;
	readonly numaNode?: number;
	/**
	 * `by-name`: reused from the pin root, or pinned there. `replace`: made new each time; its pin
	 * is swapped once the programs are attached (Cilium's value 16).
	 */
	readonly pinning: 'none' | 'by-name' | 'replace';
	/** Types of key and value in `types`; 0 where the object does not say. */
	readonly keyTypeId: number;
	readonly valueTypeId: number;
	readonly types?: Btf;
	/** False: it is not made, and a program that comes to use it is refused. */
	readonly autocreate?: boolean;
	/** Template of the inner maps of a map of maps. */
	readonly inner?: MapSpec;
	/** Of a map of type `struct_ops`: what is attached. */
	readonly structOps?: StructOpsSpec;
	/** Initial elements of a map of maps or program array: index → name of a map or program. */
	readonly slots?: ReadonlyMap<number, string>;
	/** A data section: its bytes become element 0. Shared with the section's variables. */
	readonly contents?: Uint8Array;
	/** Read-only for everyone once `contents` are written (`.rodata`). */
	readonly frozen?: boolean;
}

/** A struct of the kernel's with programs as its functions, as the object lays it out. */
export interface StructOpsSpec {
	/** Name of the kernel's struct: `tcp_congestion_ops`. */
	readonly struct: string;
	/** The same struct in the object's types. */
	readonly typeId: number;
	/** Its bytes in the object's layout, functions left out. */
	readonly contents: Uint8Array;
	/** Programs by the member that they are. */
	readonly functions: ReadonlyMap<string, string>;
	/** Attached by a link, not by writing the element. *Kernel:* 6.4. */
	readonly link: boolean;
}

/** A program as an object declares it. */
export interface ProgramSpec {
	readonly kind: 'program';
	/** The C function's name. The kernel is given its first 15 bytes. */
	readonly name: string;
	/** ELF section, which decides type and attach type. */
	readonly section: string;
	/** `unspec` where the section's name says nothing: such a program cannot be loaded. */
	readonly type: ProgramType;
	/** Always set where the kernel has one for this type: an update refuses a mismatch later. */
	readonly attachType: AttachType | undefined;
	/** What follows the section's prefix: a function, tracepoint, device or cgroup name. */
	readonly attachTarget: string | undefined;
	/** Of type `struct_ops`: which member of which of the kernel's structs it is. */
	readonly structOps?: {readonly struct: string; readonly member: string};
	/** `BPF_F_*` bits of program load, from the section name. */
	readonly flags: number;
	/** False where the section's name starts with `?`: loaded only when asked for by name. */
	readonly autoload: boolean;
	readonly license: string;
	readonly byteOrder: 'little' | 'big';
	/** 8 bytes per slot: the program followed by every subprogram it reaches. */
	readonly instructions: Uint8Array;
	/** What only a running kernel can fill in, by ascending slot. */
	readonly references: readonly Reference[];
	/** What only the running kernel's own symbols can fill in, by ascending slot. */
	readonly externs: readonly ExternUse[];
	/** Start slot and BTF FUNC of each function, by ascending slot; empty without BTF. */
	readonly functions: readonly FunctionInfo[];
	/** Source positions, by ascending slot; empty without BTF. */
	readonly lines: readonly LineInfo[];
	/** Instructions that depend on the running kernel's types (CO-RE), by ascending slot. */
	readonly coreRelocations: readonly CoreRelocation[];
	readonly types: Btf | undefined;
}

export interface FunctionInfo {
	/** Slot of the function's first instruction. */
	readonly slot: number;
	/** BTF type id of the FUNC. */
	readonly typeId: number;
}

export interface LineInfo {
	/** Slot of the first instruction made from this line. */
	readonly slot: number;
	/** String offsets in the object's BTF: `types.string(fileOffset)`. */
	readonly fileOffset: number;
	readonly textOffset: number;
	/** Line in the high 22 bits, column in the low 10, as the kernel wants it. */
	readonly lineColumn: number;
}

/**
 * A 16-byte load whose immediate names something that only exists once it is in the kernel.
 *
 * Its source register and, for `map-value`, the offset in its second half are in place already;
 * the first immediate is 0 and becomes the map's fd.
 */
export interface Reference {
	readonly slot: number;
	/** `map`: the map's fd; `map-value`: address of a byte inside element 0. */
	readonly kind: 'map' | 'map-value';
	/** Key of the map in `CollectionSpec.maps`. */
	readonly map: string;
	/** For `map-value`: bytes from the start of the section. */
	readonly offset: number;
}

/** An instruction that names something of the running kernel. */
export interface ExternUse {
	readonly slot: number;
	/** `load`: a 16-byte load of its address; `call`: a call of a kernel function. */
	readonly kind: 'load' | 'call';
	readonly extern: ExternSpec;
	/** Bytes to add to the address, for symbols without a type. */
	readonly offset: number;
}
