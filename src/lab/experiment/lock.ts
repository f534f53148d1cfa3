import {createHash} from 'node:crypto';
import {once} from 'node:events';
import {createServer} from 'node:net';

import {ExperimentError} from './experiment-error.js';

/**
 * Keeps other processes from measuring into the same files, until the function it gives is called:
 * a name in the abstract namespace of sockets, which the kernel takes back when a process ends,
 * however it does.
 *
 * *Throws:* `ERR_EXPERIMENT` where another process has it, or this one a second time.
 */
export async function lockExperiment(experiment: string, journal: string): Promise<() => void> {
	const hash = createHash('sha256').update(journal).digest('hex').slice(0, 32);
	const server = createServer().unref();
	try {
		server.listen(`\0skep-experiment-${hash}`);
		await once(server, 'listening');
	} catch (cause) {
		const busy = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
		const detail = busy ? 'it is being measured already' : (cause as Error).message;
		throw new ExperimentError(experiment, detail, [], {cause});
	}

	return () => server.close();
}
