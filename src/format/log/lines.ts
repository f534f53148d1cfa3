/** What the lines of a verifier log are, one by one. */

/** A position in the program's source, as the log or the object's BTF says it. */
export interface SourcePosition {
	/** Base name; *Kernel:* 6.10. */
	readonly file?: string;
	readonly line?: number;
	readonly text: string;
}

export interface LoggedInstruction {
	/** Position in the program, in units of 8 bytes. */
	readonly slot: number;
	/** `(61) r1 = *(u32 *)(r1 +0)`; absent where the log only says the number. */
	readonly text?: string;
}

export type LineKind = 'message' | 'instruction' | 'source' | 'state' | 'statistics' | 'note';

const statistics = /^(processed \d+ insns |verification time \d+ usec|stack depth \d)/;
const instruction = /^\d+: \([0-9a-f]{2}\) /;
const state = /^(from \d+ to )?\d+: (frame\d+: ?)?(R\d+|fp-|refs=|safe$|$)/;

// What the verifier tells about its way, rather than about what is wrong.
const note = new RegExp(
	[
		/func#\d+ @\d+$/,
		/Live regs before insn:$/,
		/\s+\d+: [.\d]{8,} /,
		/\s+(frame\d+:|R\d+=|fp-\d+=|refs=)/,
		/\(\d+(,\d+)*\) (frame \d|live stack update)/,
		/mark_precise: /,
		/last_idx \d+ first_idx/,
		/parent (didn't have|already had) regs/,
		/regs=[\da-f]+ stack=/,
		/propagating /,
		/(cur|old) state: /,
		/(caller|callee|returning from callee|to caller at \d+):/,
		/Validating \S+ func#\d+\.\.\.$/,
		/Func#\d+ (\('[^']*'\) )?is (safe for any args|global and assumed valid)/,
	]
		.map(each => `^(?:${each.source})`)
		.join('|'),
);

export function lineKind(line: string): LineKind {
	if (instruction.test(line)) return 'instruction';
	if (line.startsWith('; ')) return 'source';
	if (statistics.test(line)) return 'statistics';
	if (state.test(line)) return 'state';
	if (note.test(line)) return 'note';
	return 'message';
}

/** Reads a line of the kind `source`: `; return x; @ file.bpf.c:12`. */
export function parseSource(line: string): SourcePosition {
	const at = line.lastIndexOf(' @ ');
	const position = at < 0 ? null : /^([^\n]*):(\d{1,9})$/.exec(line.slice(at + 3));
	if (position === null) return {text: line.slice(2)};
	const [, file = '', number] = position;
	return {file, line: Number(number), text: line.slice(2, at)};
}

/** Reads a line of the kind `instruction`, without the registers printed after it. */
export function parseInstruction(line: string): LoggedInstruction {
	const colon = line.indexOf(': ');
	const comment = line.indexOf(' ; ', colon);
	const text = line.slice(colon + 2, comment < 0 ? undefined : comment).trimEnd();
	// After a jump the registers follow without a semicolon: `goto pc+1 17: R0=1`.
	const jump = /goto pc[+-]\d+(?= \d+: )/.exec(text);
	return {
		slot: Number(line.slice(0, colon)),
		text: jump === null ? text : text.slice(0, jump.index + jump[0].length),
	};
}
