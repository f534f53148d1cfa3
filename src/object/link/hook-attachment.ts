import {closeSync, openSync} from 'node:fs';

import {UsageError} from '../../base/errors.js';
import {addon} from '../../kernel/sys/addon.js';
import type {LinkInfo} from '../../kernel/sys/link-info.js';
import {objectFdById} from '../../kernel/sys/object.js';
import type {Program} from '../program/program.js';
import {Link, type Mechanism} from './link.js';
import {LinkError} from './link-error.js';

/**
 * A program on a hook that no link holds there: it stays when its process ends, whatever happens.
 *
 * `close()` detaches it as closing a link does, unless it was kept, as a pin keeps a link.
 */
export abstract class HookAttachment extends Link {
	abstract override readonly mechanism: Mechanism;
	/** What stands on the hook, as far as this object knows. */
	protected program: Program;
	/** Number of `program`, also when that is closed. */
	protected programId: number;
	private owned: Program | undefined;
	private over = false;
	private kept = false;

	protected constructor(hook: string, program: Program) {
		super(undefined, hook);
		this.program = program;
		this.programId = program.info().id;
	}

	abstract override info(): LinkInfo;

	override get closed(): boolean {
		return this.over;
	}

	override update(program: Program, options: {readonly expected?: Program} = {}): void {
		const action = `replace ${this.mechanism} attachment of ${this.hook} by program "${program.name}"`;
		this.requireOpen(action);
		const {id} = program.info();
		const {expected} = options;
		if (expected === undefined) {
			this.withOwn(fd => {
				this.replace(action, program, fd);
			});
		} else {
			this.replace(action, program, expected.fd);
		}

		this.program = program;
		this.programId = id;
		this.owned?.close();
		this.owned = undefined;
	}

	/** The program was opened for this object: it is closed once it is not needed any more. */
	ownProgram(): this {
		this.owned = this.program;
		return this;
	}

	/** Detaches the program, and nothing but that one. *Throws:* `ERR_LINK`. */
	override detach(): void {
		const action = `detach program "${this.program.name}" from ${this.hook}`;
		this.requireOpen(action);
		this.withOwn(fd => {
			this.remove(action, fd);
		});
		this.end();
	}

	/** *Throws:* `ERR_LINK`: only links have pins; this stays by itself once it is released. */
	override pin(path: string): void {
		throw new LinkError(
			`pin ${this.hook} to "${path}"`,
			`it was attached by ${this.mechanism}, not by a link; keep() it, and it stays without a pin`,
		);
	}

	/** From now on, `close()` leaves the program on the hook. */
	keep(): void {
		this.kept = true;
	}

	/** Gives up this object and leaves the program on the hook. */
	release(): void {
		if (!this.over) this.end();
	}

	/** Detaches, unless it is detached, replaced by somebody else or released already. */
	override close(): void {
		if (this.over) return;
		if (this.kept) {
			this.end();
			return;
		}

		try {
			this.detach();
		} catch (error) {
			// Whatever is on the hook by now is none of this object's business.
			if (!(error instanceof LinkError)) throw error;
			this.end();
		}
	}

	/** Puts `program` in the place of the one that has the descriptor `expected`. */
	protected abstract replace(action: string, program: Program, expected: number): void;
	/** Removes the program that has the descriptor `expected`. */
	protected abstract remove(action: string, expected: number): void;
	/** Gives back what the attachment holds besides. */
	protected abstract free(): void;

	/** Calls `work` with the program's descriptor, also when its owner has closed it since. */
	private withOwn(work: (fd: number) => void): void {
		if (!this.program.closed) {
			work(this.program.fd);
			return;
		}

		const fd = objectFdById('prog', this.programId);
		try {
			work(fd);
		} finally {
			addon.closeFd(fd);
		}
	}

	private end(): void {
		this.over = true;
		this.owned?.close();
		this.free();
	}

	private requireOpen(action: string): void {
		if (this.over) throw new UsageError(`${action}: it is closed`);
	}
}

/** A namespace that an attachment needs for as long as it lives. */
export class KeptNamespace {
	/** Undefined for that of this process. */
	readonly fd: number | undefined;

	/** `netns` stays the caller's. */
	constructor(netns: number | undefined) {
		this.fd = netns === undefined ? undefined : openSync(`/proc/self/fd/${netns}`, 'r');
	}

	close(): void {
		if (this.fd !== undefined) closeSync(this.fd);
	}
}
