/** What the verifier says at the end about its work. */
export interface VerifierStatistics {
	/** Instructions verified, along all paths; the limit is on this number. */
	readonly instructions: number;
	readonly limit: number;
	readonly maxStatesPerInstruction: number;
	readonly totalStates: number;
	readonly peakStates: number;
	/** Microseconds; only in logs with level 4. */
	readonly verificationTime?: number;
	/** Bytes of stack of the program and of each subprogram; only in logs with level 4. */
	readonly stackDepths?: readonly number[];
}

/** The statistics among the last lines of a log; undefined where the log ends before them. */
export function parseStatistics(lines: readonly string[]): VerifierStatistics | undefined {
	const last = lines.slice(-8).reverse();
	const numbers = last
		.map(line => /^processed (\d+) insns \(limit (\d+)\) (.*)$/.exec(line))
		.find(match => match !== null);
	if (!numbers) return undefined;
	const [, instructions, limit, rest = ''] = numbers;
	const count = (name: string): number =>
		Number(new RegExp(`(?:^| )${name} (\\d+)`).exec(rest)?.[1] ?? 0);
	const time = find(last, /^verification time (\d+) usec/);
	const depths = find(last, /^stack depth ([\d+]+)/);
	return {
		instructions: Number(instructions),
		limit: Number(limit),
		maxStatesPerInstruction: count('max_states_per_insn'),
		totalStates: count('total_states'),
		peakStates: count('peak_states'),
		...(time === undefined ? {} : {verificationTime: Number(time)}),
		...(depths === undefined ? {} : {stackDepths: depths.split('+').map(Number)}),
	};
}

function find(lines: readonly string[], pattern: RegExp): string | undefined {
	return lines.map(line => pattern.exec(line)?.[1]).find(found => found !== undefined);
}
