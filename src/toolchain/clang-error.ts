import {EbpfError} from '../base/errors.js';

/** No usable clang: it is not there, cannot be started, or is too old. */
export class ClangError extends EbpfError {
	static {
		this.prototype.name = 'ClangError';
	}

	readonly code = 'ERR_CLANG';
	/** The path that was asked for, or what was looked for. */
	readonly clang: string;
	/** The version found, where it was too old. */
	readonly version?: string;

	constructor(clang: string, detail: string, options: {version?: string; cause?: unknown} = {}) {
		const {version, ...rest} = options;
		super(`find clang "${clang}": ${detail}`, rest);
		this.clang = clang;
		if (version !== undefined) this.version = version;
	}
}
