/** CO-RE relocations that failed, as facts, and the verifier's words for what became of them. */

/** What a relocation asks for, in words. */
export interface RelocationSubject {
	/** `field_byte_offset`, `type_size`: the kernel's `BPF_CORE_*`. */
	readonly relocation: string;
	/** The object's own type, as C writes it: `struct task_struct___old`. */
	readonly type: string;
	/** Its id in the object's types. */
	readonly typeId: number;
	/** The field or enumerator: `mm.owner`, `args[2]`, `BPF_MAP_TYPE_HASH`; empty for a type. */
	readonly field: string;
	/** As the compiler wrote it: `0:39:2`. */
	readonly access: string;
}

/** A type of the target that was considered, and what became of it. */
export interface RelocationCandidate {
	/** As C writes it: `struct task_struct`. */
	readonly type: string;
	readonly typeId: number;
	/** Whose types those are: `vmlinux`, a module or a file. */
	readonly of: string;
	/** Why it does not do, or what it gives. */
	readonly reason: string;
}

/** A relocation that nothing in the target answers: its instruction cannot be run. */
export interface FailedRelocation extends RelocationSubject {
	/** Slot of the instruction in the program. */
	readonly slot: number;
	/** In one line; names the candidates. */
	readonly reason: string;
	readonly candidates: readonly RelocationCandidate[];
}

/**
 * The instruction of the nth relocation that failed is a call of the function of this number and n.
 * No kernel has so many: the verifier lets such a call stand where it is never reached.
 */
export const poisonCall = 0x7c_00_00_00;

/** The log with the reason in place of the number, and the relocation that was reached. */
export function nameFailures(
	log: string,
	failures: readonly FailedRelocation[],
): {readonly log: string; readonly reached?: FailedRelocation} {
	let reached: FailedRelocation | undefined;
	if (failures.length === 0) return {log};
	const named = log.replaceAll(/invalid func unknown#(\d+)/g, (text, number: string) => {
		const failure = failures[Number(number) - poisonCall];
		reached = failure ?? reached;
		return failure?.reason ?? text;
	});
	return reached === undefined ? {log: named} : {log: named, reached};
}
