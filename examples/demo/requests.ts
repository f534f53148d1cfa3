/** Requests without a pause, counted by what happens meanwhile. */

import {EventEmitter, once} from 'node:events';

import type {Host} from 'skep/lab';

import {Client} from './http.js';

/** Requests that were begun while something was so, by who answered. */
export interface Phase {
	readonly meanwhile: string;
	requests: number;
	blue: number;
	green: number;
	failed: number;
}

/** Clients of a host that ask again as soon as they have their answer, each on a new connection. */
export class Load {
	readonly phases: Phase[] = [];
	private readonly signal: AbortSignal;
	private readonly events = new EventEmitter();
	private readonly clients: Promise<unknown>;
	private isOver = false;

	/** Begins. */
	constructor(from: Host, addresses: readonly string[], meanwhile: string, signal: AbortSignal) {
		this.signal = signal;
		this.begin(meanwhile);
		this.clients = Promise.all(
			addresses.map(async address => this.run(new Client(from), address)),
		);
	}

	/** From now on requests are counted under this name. */
	begin(meanwhile: string): void {
		this.phases.push({meanwhile, requests: 0, blue: 0, green: 0, failed: 0});
	}

	/** Done when so many requests were counted since the last `begin`. */
	async reach(requests: number): Promise<void> {
		while ((this.phases.at(-1)?.requests ?? 0) < requests) {
			await once(this.events, 'answer', {signal: this.signal});
		}
	}

	/** Done when every request has its answer. */
	async end(): Promise<void> {
		this.isOver = true;
		await this.clients;
	}

	private async run(client: Client, address: string): Promise<void> {
		while (!this.isOver) {
			const phase = this.phases.at(-1);
			if (phase === undefined) break;
			try {
				const name = await client.ask(address, this.signal);
				if (name === 'blue') phase.blue++;
				else phase.green++;
			} catch {
				if (this.signal.aborted) break;
				phase.failed++;
			}

			phase.requests++;
			this.events.emit('answer');
		}
	}
}
