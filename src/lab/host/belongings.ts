/** What a host opened and is closed with it. */

import {EventEmitter} from 'node:events';

export class Belongings {
	private readonly ends = new Map<object, () => unknown>();

	/** `end` closes it; what closes by itself, and says so by an event `close`, is let go. */
	add<T extends object>(opened: T, end: (opened: T) => unknown): T {
		this.ends.set(opened, () => end(opened));
		if (opened instanceof EventEmitter) opened.once('close', () => this.delete(opened));
		return opened;
	}

	delete(opened: object): void {
		this.ends.delete(opened);
	}

	/** Closes all, and waits until it is. *Throws:* what the first that failed did. */
	async close(): Promise<void> {
		const errors: unknown[] = [];
		const closed = [...this.ends].map(async ([opened, end]) => {
			try {
				if (!(opened instanceof EventEmitter)) return void end();
				await new Promise(resolve => {
					opened.once('close', resolve);
					end();
				});
			} catch (error) {
				errors.push(error);
			}
		});
		this.ends.clear();
		await Promise.all(closed);
		if (errors.length > 0) throw errors[0];
	}
}
