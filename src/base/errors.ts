/** What every error of skep extends: a stable `code`, a one-line `message`, facts as fields. */
export abstract class EbpfError extends Error {
	/** Stable across releases; callers branch on it and never on the message. */
	abstract readonly code: string;

	/** Kernel errno of the failed call, where the kernel refused. */
	declare readonly errno?: number;

	constructor(message: string, options: {cause?: unknown; errno?: number | undefined} = {}) {
		super(message, 'cause' in options ? {cause: options.cause} : undefined);
		if (options.errno !== undefined) this.errno = options.errno;
	}
}

/** True for every error that skep raises on purpose. */
export function isEbpfError(error: unknown): error is EbpfError {
	return error instanceof EbpfError;
}

/** The caller passed something that cannot be meant: a wrong type, an unknown option, a bad name. */
export class UsageError extends EbpfError {
	static {
		this.prototype.name = 'UsageError';
	}

	readonly code = 'ERR_USAGE';
}
