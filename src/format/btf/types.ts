/** BTF types as plain data, one shape per kind. `id` is the type's number inside its `Btf`. */

interface Common {
	readonly id: number;
	/** Empty for an anonymous type. */
	readonly name: string;
}

export interface BtfVoid extends Common {
	readonly kind: 'void';
}

export interface BtfInt extends Common {
	readonly kind: 'int';
	/** Bytes. */
	readonly size: number;
	/** Width in bits, at most 128; less than `size * 8` only in old bit-field encodings. */
	readonly bits: number;
	/** Bit offset inside the storage unit, 0 but in old bit-field encodings. */
	readonly bitOffset: number;
	readonly signed: boolean;
	readonly char: boolean;
	readonly bool: boolean;
}

export interface BtfFloat extends Common {
	readonly kind: 'float';
	readonly size: number;
}

/** A kind that only points to another type. */
export interface BtfReference extends Common {
	readonly kind: 'ptr' | 'typedef' | 'volatile' | 'const' | 'restrict' | 'type_tag';
	readonly typeId: number;
	/** Of a `type_tag`: its name is an attribute of any sort. *Kernel:* 6.15. */
	readonly attribute?: boolean;
}

export interface BtfArray extends Common {
	readonly kind: 'array';
	readonly elementTypeId: number;
	readonly indexTypeId: number;
	readonly length: number;
}

export interface BtfMember {
	readonly name: string;
	readonly typeId: number;
	/** From the start of the struct. */
	readonly bitOffset: number;
	/** Width of a bit-field; 0 for an ordinary member. */
	readonly bitfieldSize: number;
}

export interface BtfComposite extends Common {
	readonly kind: 'struct' | 'union';
	readonly size: number;
	readonly members: readonly BtfMember[];
}

export interface BtfEnum extends Common {
	readonly kind: 'enum';
	readonly size: number;
	readonly signed: boolean;
	readonly values: readonly {readonly name: string; readonly value: number}[];
}

export interface BtfEnum64 extends Common {
	readonly kind: 'enum64';
	readonly size: number;
	readonly signed: boolean;
	readonly values: readonly {readonly name: string; readonly value: bigint}[];
}

export interface BtfForward extends Common {
	readonly kind: 'fwd';
	readonly forwardKind: 'struct' | 'union';
}

export interface BtfFunction extends Common {
	readonly kind: 'func';
	/** Of the `func_proto`. */
	readonly typeId: number;
	readonly linkage: BtfLinkage;
}

export interface BtfFunctionPrototype extends Common {
	readonly kind: 'func_proto';
	readonly returnTypeId: number;
	readonly parameters: readonly {readonly name: string; readonly typeId: number}[];
}

export interface BtfVariable extends Common {
	readonly kind: 'var';
	readonly typeId: number;
	readonly linkage: BtfLinkage;
}

export interface BtfDataSection extends Common {
	readonly kind: 'datasec';
	readonly size: number;
	readonly variables: readonly {
		readonly typeId: number;
		readonly offset: number;
		readonly size: number;
	}[];
}

export interface BtfDeclTag extends Common {
	readonly kind: 'decl_tag';
	readonly typeId: number;
	/** Member or parameter that is tagged; -1 for the type itself. */
	readonly componentIndex: number;
	/** Its name is an attribute of any sort. *Kernel:* 6.15. */
	readonly attribute?: boolean;
}

export type BtfLinkage = 'static' | 'global' | 'extern';

/** A type of BTF: one of the kinds, told apart by `kind`. */
export type BtfType =
	| BtfVoid
	| BtfInt
	| BtfFloat
	| BtfReference
	| BtfArray
	| BtfComposite
	| BtfEnum
	| BtfEnum64
	| BtfForward
	| BtfFunction
	| BtfFunctionPrototype
	| BtfVariable
	| BtfDataSection
	| BtfDeclTag;

/** The name of a kind of type. */
export type BtfKind = BtfType['kind'];

/** The shape of one kind: `BtfTypeOf<'int'>`. */
export type BtfTypeOf<K extends BtfKind, T extends BtfType = BtfType> = T extends unknown
	? K extends T['kind']
		? T
		: never
	: never;
