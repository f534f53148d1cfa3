/** What has to be undone before the process ends, however it does. */

type Undo = () => void;

const undoes = new Set<Undo>();
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Calls `undo` when the process is about to end; until the function it gives is called. */
export function atEnd(undo: Undo): () => void {
	if (undoes.size === 0) {
		process.on('exit', undoAll);
		for (const signal of signals) process.on(signal, onSignal);
	}

	undoes.add(undo);
	return () => {
		undoes.delete(undo);
		if (undoes.size === 0) release();
	};
}

function undoAll(): void {
	for (const undo of [...undoes]) {
		undoes.delete(undo);
		try {
			undo();
		} catch (error) {
			process.emitWarning(error as Error);
		}
	}
}

function onSignal(signal: NodeJS.Signals): void {
	undoAll();
	release();
	// Where nobody else listens, the process ends as if it had never been caught.
	if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

function release(): void {
	process.off('exit', undoAll);
	for (const signal of signals) process.off(signal, onSignal);
}
