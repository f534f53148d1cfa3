import {constants} from 'node:os';
import {EbpfError} from '../../base/errors.js';
import {errnoText} from '../../uapi/errno.js';
import {explanationText, type Explanation} from './explanation.js';
import {type FailedRelocation, nameFailures} from './failed-relocation.js';
import type {LoggedInstruction, SourcePosition} from './lines.js';
import {parseStatistics, type VerifierStatistics} from './statistics.js';
import {explainRefusal, type ExplainOptions, rawLines, splitLog} from './verifier-log.js';

/**
 * The kernel refused a program.
 *
 * `message` is one line: who was refused, why, the log line that says it, and where in the source.
 * The whole log is in `log`; `excerpt()` gives the lines that matter for a terminal.
 */
export class VerifierError extends EbpfError {
	static {
		this.prototype.name = 'VerifierError';
	}

	readonly code = 'ERR_VERIFIER';
	readonly program: string;
	/** Every line but the closing statistics. */
	readonly log: readonly string[];
	/** The line of the log that says why: `R0 !read_ok`. */
	readonly reason: string;
	/** What to do about it, for the commonest reasons. */
	readonly hint?: string;
	readonly instruction?: LoggedInstruction;
	readonly source?: SourcePosition;
	/** The CO-RE relocation that nothing in the kernel answers and that the verifier came to. */
	readonly relocation?: FailedRelocation;
	/** What the verifier knew, and the way it came to what it refused. */
	readonly explanation: Explanation;
	readonly statistics?: VerifierStatistics;
	private readonly shown: readonly string[];

	/** `cause` is the refused call; its `errno` becomes this error's. */
	constructor(program: string, log: string, cause: Error, options: ExplainOptions = {}) {
		const {log: named, reached} = nameFailures(log, options.relocations ?? []);
		const lines = splitLog(named);
		const refusal = explainRefusal(lines, options);
		const {reason, hint, instruction, source, excerpt, explanation} = refusal;
		const errno = 'errno' in cause && typeof cause.errno === 'number' ? cause.errno : undefined;
		const where = source?.file === undefined ? '' : ` at ${source.file}:${source.line ?? '?'}`;
		super(
			`load program "${program}": ${summary(cause, errno, lines, options.maps)}: ${reason}${where}`,
			{
				cause,
				errno,
			},
		);
		const statistics = parseStatistics(rawLines(log));
		this.program = program;
		if (reached !== undefined) this.relocation = reached;
		this.log = lines;
		this.reason = reason;
		this.shown = excerpt;
		this.explanation = explanation;
		if (hint !== undefined) this.hint = hint;
		if (instruction !== undefined) this.instruction = instruction;
		if (source !== undefined) this.source = source;
		if (statistics !== undefined) this.statistics = statistics;
	}

	/**
	 * The refusal in words: what the verifier knew, the way it came, what mends it; the log's last
	 * lines where it says none of that.
	 */
	explain(): string {
		const {explanation, reason, hint, instruction} = this;
		const text = explanationText(explanation, {reason, hint, instruction});
		const isKnown = explanation.path.length > 0 || explanation.known.length > 0;
		return isKnown ? text : `${text}\nthe log:\n${this.excerpt(8).replaceAll(/^/gm, '    ')}`;
	}

	/** The lines that matter, or the last `count` lines of the log. */
	excerpt(count?: number): string {
		if (count === undefined) return this.shown.join('\n');
		const omitted = Math.max(0, this.log.length - count);
		const head = omitted > 0 ? [`(${omitted} lines omitted)`] : [];
		return [...head, ...this.log.slice(omitted)].join('\n');
	}
}

/** The kernel's `MAX_USED_MAPS`. */
const mostMaps = 64;

/** E2BIG in the kernel's words, 'argument list too long', says nothing about a program. */
function summary(
	cause: Error,
	errno: number | undefined,
	log: readonly string[],
	maps = 0,
): string {
	if (errno === undefined) return cause.message;
	if (errno !== constants.errno.E2BIG) return errnoText(errno);
	if (maps > mostMaps) return `too many maps: it uses ${maps}, a program may use ${mostMaps}`;
	return log.length > 0 ? 'too complex' : 'too many instructions';
}
