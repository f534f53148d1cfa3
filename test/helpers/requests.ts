/** Requests of HTTP without a pause, by Node's own client and server. */

import {EventEmitter, once} from 'node:events';
import {Agent, createServer, get, type ClientRequestArgs, type IncomingMessage} from 'node:http';
import type {Duplex} from 'node:stream';
import {text} from 'node:stream/consumers';
import type {ExecutionContext} from 'ava';

import type {Host} from '../../src/lab/index.js';

/** Answers every request with a name. */
export async function serveName(
	t: ExecutionContext,
	host: Host,
	port: number,
	name: string,
): Promise<void> {
	const http = createServer((_request, response) => response.end(name));
	// Connections that are kept end when the client is done with them.
	http.keepAliveTimeout = 0;
	const server = await host.listen(port);
	server.on('connection', socket => http.emit('connection', socket));
	t.teardown(() => {
		http.closeAllConnections();
	});
}

/** Who asks whom. */
export interface Asker {
	readonly from: Host;
	readonly address: string;
	readonly port: number;
}

/** Milliseconds for an answer on the slowest machine. */
const patience = 30_000;

/** Asks one address, each time by a new connection or always by the same. */
export class Client extends Agent {
	/** Connections that were opened. */
	opened = 0;
	private readonly asker: Asker;

	constructor(asker: Asker, options: {readonly keepAlive?: boolean} = {}) {
		super({...options, maxSockets: 1});
		this.asker = asker;
	}

	override createConnection(
		_options: ClientRequestArgs,
		callback?: (error: Error | null, stream: Duplex) => void,
	): undefined {
		this.opened++;
		const {from, address, port} = this.asker;
		from.connect(address, port, {signal: AbortSignal.timeout(patience)}).then(
			socket => callback?.(null, socket),
			(error: unknown) => callback?.(error as Error, undefined as never),
		);
	}

	/** What is answered. */
	async ask(): Promise<string> {
		const {address: host, port} = this.asker;
		const request = get({agent: this, host, port, signal: AbortSignal.timeout(patience)});
		const [response] = (await once(request, 'response')) as [IncomingMessage];
		return text(response);
	}
}

/** What became of the requests that were begun during some time. */
export interface Phase {
	/** How many were answered, by whom. */
	readonly answers: Map<string, number>;
	readonly failures: string[];
}

/** Clients that ask again as soon as they have their answer, from now until `end`. */
export class Requests {
	private readonly events = new EventEmitter();
	private readonly done: Promise<unknown>;
	private phase: Phase = {answers: new Map(), failures: []};
	private isOver = false;

	constructor(t: ExecutionContext, clients: readonly Client[]) {
		this.done = Promise.all(clients.map(async client => this.repeat(client)));
		t.teardown(async () => {
			await this.end();
			for (const client of clients) client.destroy();
		});
	}

	/** From now on requests count for another phase. */
	begin(): Phase {
		this.phase = {answers: new Map(), failures: []};
		return this.phase;
	}

	/** Done when that many requests of this phase are done. */
	async reach(count: number): Promise<void> {
		const {answers, failures} = this.phase;
		const reached = (): number =>
			failures.length + [...answers.values()].reduce((a, b) => a + b, 0);
		while (reached() < count) await once(this.events, 'done');
	}

	/** Done when nobody waits for an answer. */
	async end(): Promise<void> {
		this.isOver = true;
		await this.done;
	}

	private async repeat(client: Client): Promise<void> {
		while (!this.isOver) {
			const {answers, failures} = this.phase;
			try {
				const name = await client.ask();
				answers.set(name, (answers.get(name) ?? 0) + 1);
			} catch (error) {
				failures.push(String(error));
			}

			this.events.emit('done');
		}
	}
}
