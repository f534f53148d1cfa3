const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Calls `stop` when the process is told to end; until the function it gives is called. Then the
 * process ends by the signal, unless somebody else listens and decides.
 */
export function onStop(stop: (signal: NodeJS.Signals) => void): () => void {
	const release = (): void => {
		for (const signal of signals) process.off(signal, handle);
	};
	const handle = (signal: NodeJS.Signals): void => {
		release();
		try {
			stop(signal);
		} finally {
			if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
		}
	};
	for (const signal of signals) process.on(signal, handle);
	return release;
}
