/**
 * The command line with `--` before what belongs to a script: all that follows `lab run`, also
 * what looks like an option of ours.
 */
export function withScriptArguments(argv: readonly string[]): string[] {
	const at = argv.findIndex((word, i) => word === 'run' && argv[i - 1] === 'lab') + 1;
	const next = at === 0 ? undefined : argv[at];
	if (next === undefined || next.startsWith('-')) return [...argv];
	return [...argv.slice(0, at), '--', ...argv.slice(at)];
}
