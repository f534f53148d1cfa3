import {EbpfError} from '../base/errors.js';

/** The user stopped the command; what it had begun is undone. */
export class InterruptedError extends EbpfError {
	static {
		this.prototype.name = 'InterruptedError';
	}

	readonly code = 'ERR_INTERRUPTED';
	/** What a shell makes of the signal: 130, 143. */
	readonly exitCode: number;

	constructor(signal: NodeJS.Signals, exitCode: number) {
		super(`interrupted by ${signal}; nothing is left half done`);
		this.exitCode = exitCode;
	}
}

const exitCodes = {SIGINT: 130, SIGTERM: 143} as const;

/** Runs work that undoes itself when its signal is aborted, which Ctrl-C does. */
export async function until<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
	const controller = new AbortController();
	const stop = (name: keyof typeof exitCodes) => (): void => {
		controller.abort(new InterruptedError(name, exitCodes[name]));
	};
	const handlers = Object.keys(exitCodes).map(name => {
		const signal = name as keyof typeof exitCodes;
		const handler = stop(signal);
		process.once(signal, handler);
		return [signal, handler] as const;
	});
	try {
		return await work(controller.signal);
	} finally {
		for (const [signal, handler] of handlers) process.off(signal, handler);
	}
}
