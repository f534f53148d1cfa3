import {EbpfError} from '../base/errors.js';
import {type Diagnostic, formatDiagnostic, parseDiagnostics} from './diagnostics.js';

/** clang refused a source, or the object could not be written. */
export class CompileError extends EbpfError {
	static {
		this.prototype.name = 'CompileError';
	}

	readonly code = 'ERR_COMPILE';
	readonly source: string;
	/** What clang complained about, in its order. */
	readonly diagnostics: readonly Diagnostic[];
	/** All that clang printed. */
	readonly text: string;

	constructor(source: string, text: string, fallback: string, cause?: unknown) {
		const diagnostics = parseDiagnostics(text);
		const first = diagnostics.find(each => each.severity === 'error');
		const detail = first === undefined ? fallback : formatDiagnostic(first);
		super(`compile "${source}": ${detail}`, cause === undefined ? {} : {cause});
		this.source = source;
		this.diagnostics = diagnostics;
		this.text = text;
	}
}
