/** The maps of a collection that take pins over from others, and how they do. */

import {setImmediate as immediate} from 'node:timers/promises';

import {UsageError} from '../../base/errors.js';
import {findMapUsers} from '../../kernel/host/map-users.js';
import {programsEnded} from '../../kernel/sys/grace.js';
import type {PinnedMap} from '../map/reuse-pin.js';
import {movePin, removePin, successorPath} from '../pin/successor.js';
import type {MigrateOptions} from './converter.js';
import {Migration, type MigrationReport} from './migration.js';
import {MigrationError} from './migration-error.js';
import {findRunningUsers} from './running-users.js';

/** How an upgrade is brought to its end. */
export interface CommitOptions {
	/** Milliseconds to wait for programs that use the old maps to go away; 2000 unless given. */
	readonly timeout?: number;
	/** Goes on although such programs are loaded still: what they write from now on is lost. */
	readonly force?: boolean;
}

export class Upgrade {
	private pending: PinnedMap[];
	private readonly migrations: Migration[] = [];
	private busy = false;

	/** *Throws:* `ERR_MIGRATION` for what cannot be copied, `ERR_USAGE`. */
	constructor(swaps: readonly PinnedMap[], options: ReadonlyMap<PinnedMap, MigrateOptions>) {
		this.pending = [...swaps];
		try {
			for (const swap of swaps) {
				if (swap.how !== 'migrated') continue;
				this.migrations.push(new Migration(swap, options.get(swap) ?? {}));
			}
		} catch (error) {
			this.dispose();
			throw error;
		}
	}

	/** Maps whose pins still name their predecessors. */
	get waiting(): readonly PinnedMap[] {
		return this.pending;
	}

	/** The first copy, in steps. */
	*copy(): Generator<void, void, undefined> {
		for (const migration of this.migrations) yield* migration.copy();
	}

	/** See `Collection.catchUp`. */
	async catchUp(): Promise<void> {
		await this.exclusively(async () => {
			for (const migration of this.migrations) await run(migration.copy());
		});
	}

	/** See `Collection.commit`. */
	async commit(options: CommitOptions): Promise<MigrationReport[]> {
		if (this.pending.length === 0) return [];
		return this.exclusively(async () => {
			await this.oldProgramsGone(options);
			for (const migration of this.migrations) await run(migration.copy());
			for (const migration of this.migrations) {
				migration.freeze();
				await run(migration.copy());
			}

			for (let swap = this.pending[0]; swap !== undefined; swap = this.pending[0]) {
				movePin(successorPath(swap.path), swap.path);
				this.pending.shift();
				swap.predecessor?.close();
			}

			const reports = this.migrations.map(migration => migration.report());
			this.dispose();
			return reports;
		});
	}

	/**
	 * Gives up what was not committed. A successor that programs use keeps its temporary pin, for the
	 * next load to find; the others lose it.
	 */
	abandon(): void {
		const kept: string[] = [];
		for (const swap of this.pending) {
			swap.predecessor?.close();
			if (findMapUsers(new Set([swap.map.info.id])).length > 0) kept.push(swap.path);
			else removePin(successorPath(swap.path));
		}

		this.pending = [];
		this.dispose();
		if (kept.length === 0) return;
		process.emitWarning(
			`a collection was closed without commit() while its programs run: ${kept.join(', ')}`,
			{type: 'SkepWarning', code: 'SKEP_UNCOMMITTED'},
		);
	}

	/** Undoes it all. */
	dispose(): void {
		for (const migration of this.migrations) migration.dispose();
		this.migrations.length = 0;
	}

	/** Waits until nobody can write to the old maps but user space. */
	private async oldProgramsGone({timeout = 2000, force = false}: CommitOptions): Promise<void> {
		const maps = this.pending.flatMap(swap => swap.predecessor ?? []);
		const deadline = performance.now() + timeout;
		for (;;) {
			const users = force ? [] : findRunningUsers(maps);
			// Also after the last has gone: it may be running still.
			await programsEnded();
			if (users.length === 0) return;
			if (performance.now() < deadline) continue;
			const [first] = this.pending;
			const names = users.map(({id, name}) => `${name} (${id})`).join(', ');
			const detail = `${names} still use${users.length === 1 ? 's' : ''} the old map; attach the new programs, and close the old ones`;
			const name = first?.map.name ?? '';
			throw new MigrationError(name, first?.path ?? '', detail, {programs: users});
		}
	}

	private async exclusively<T>(work: () => Promise<T>): Promise<T> {
		if (this.busy) throw new UsageError('commit collection: it is being committed already');
		this.busy = true;
		try {
			return await work();
		} finally {
			this.busy = false;
		}
	}
}

async function run(steps: Generator<void, void, undefined>): Promise<void> {
	while (steps.next().done !== true) await immediate();
}
