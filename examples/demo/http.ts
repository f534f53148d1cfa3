/** HTTP between hosts of a lab, by Node's own client and server. */

import {once} from 'node:events';
import {Agent, createServer, get, type ClientRequestArgs, type IncomingMessage} from 'node:http';
import type {Duplex} from 'node:stream';
import {text} from 'node:stream/consumers';

import type {Host} from 'skep/lab';

/** Answers every request to port 80 with the name of its host, until it is disposed of. */
export async function serveName(host: Host): Promise<Disposable> {
	const http = createServer((_request, response) => response.end(host.name));
	// Connections that are kept end when the client is done with them.
	http.keepAliveTimeout = 0;
	const server = await host.listen(80);
	server.on('connection', socket => http.emit('connection', socket));
	return {
		[Symbol.dispose]() {
			server.close();
			http.closeAllConnections();
		},
	};
}

/** A client on a host: each request has a connection of its own, or all have one that is kept. */
export class Client extends Agent {
	/** Connections so far. */
	opened = 0;
	private readonly host: Host;

	constructor(host: Host, options: {readonly keepAlive?: boolean} = {}) {
		super({...options, maxSockets: 1});
		this.host = host;
	}

	override createConnection(
		{host, port, signal}: ClientRequestArgs,
		callback?: (error: Error | null, stream: Duplex) => void,
	): undefined {
		this.opened++;
		this.host.connect(String(host), Number(port), signal === undefined ? {} : {signal}).then(
			socket => callback?.(null, socket),
			(error: unknown) => callback?.(error as Error, undefined as never),
		);
	}

	/** What is answered at port 80. */
	async ask(address: string, signal: AbortSignal): Promise<string> {
		const request = get({agent: this, host: address, signal});
		const [response] = (await once(request, 'response')) as [IncomingMessage];
		return text(response);
	}
}
