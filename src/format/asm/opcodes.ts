/** The low three bits of every opcode. */
export const classes = {
	ld: 0,
	ldx: 1,
	st: 2,
	stx: 3,
	alu: 4,
	jmp: 5,
	jmp32: 6,
	alu64: 7,
} as const;

/** Bit 3 of arithmetic and jumps: the second operand is the source register, not the immediate. */
export const sourceRegister = 0x08;

/** Bits 3 and 4 of loads and stores: how many bytes. */
export const sizes = {u32: 0x00, u16: 0x08, u8: 0x10, u64: 0x18} as const;
export type Size = keyof typeof sizes;

/** Bits 5 to 7 of loads and stores. */
export const modes = {
	imm: 0x00,
	abs: 0x20,
	ind: 0x40,
	mem: 0x60,
	/** Sign-extending; *Kernel:* 6.6. */
	memsx: 0x80,
	atomic: 0xc0,
} as const;

/** Bits 4 to 7 of arithmetic. */
export const aluOperations = {
	add: 0x00,
	sub: 0x10,
	mul: 0x20,
	div: 0x30,
	or: 0x40,
	and: 0x50,
	lsh: 0x60,
	rsh: 0x70,
	neg: 0x80,
	mod: 0x90,
	xor: 0xa0,
	mov: 0xb0,
	arsh: 0xc0,
	end: 0xd0,
} as const;

/** Bits 4 to 7 of jumps that are not comparisons. */
export const jumpOperations = {ja: 0x00, call: 0x80, exit: 0x90, jcond: 0xe0} as const;

/** Bits 4 to 7 of conditional jumps, by the operator that the verifier's log prints. */
export const comparisons = {
	'==': 0x10,
	'>': 0x20,
	'>=': 0x30,
	'&': 0x40,
	'!=': 0x50,
	's>': 0x60,
	's>=': 0x70,
	'<': 0xa0,
	'<=': 0xb0,
	's<': 0xc0,
	's<=': 0xd0,
} as const;
export type Comparison = keyof typeof comparisons;

/** In the immediate of an atomic add, or, and, xor: also return the old value. */
export const fetch = 0x01;

/** The immediate of an atomic operation. */
export const atomicOperations = {
	add: 0x00,
	or: 0x40,
	and: 0x50,
	xor: 0xa0,
	fetch_add: 0x00 | fetch,
	fetch_or: 0x40 | fetch,
	fetch_and: 0x50 | fetch,
	fetch_xor: 0xa0 | fetch,
	xchg: 0xe0 | fetch,
	cmpxchg: 0xf0 | fetch,
	/** *Kernel:* 6.15. */
	load_acquire: 0x100,
	/** *Kernel:* 6.15. */
	store_release: 0x110,
} as const;
export type AtomicOperation = keyof typeof atomicOperations;
