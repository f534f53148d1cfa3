/** Brings what one pinned map holds into the map that will take its place. */

import {constants} from 'node:os';

import {possibleCpus} from '../../kernel/sys/map.js';
import type {BpfMap} from '../map/map.js';
import {MapError} from '../map/map-error.js';
import {isIndexed, isPerCpu} from '../../uapi/map-kinds.js';
import type {PinnedMap} from '../map/reuse-pin.js';
import {ENOTSUPP} from '../../uapi/errno.js';
import {Adder} from './adder.js';
import {Converter, counterFields, type MigrateOptions} from './converter.js';
import {Copier, type CopyCounts} from './copier.js';
import {MigrationError} from './migration-error.js';

/** How a map was migrated. Fields are named as in errors: `value.packets`. */
export interface MigrationReport extends CopyCounts {
	readonly map: string;
	readonly path: string;
	/** Ids of the old and the new map. */
	readonly from: number;
	readonly to: number;
	/** Fields that are new: zero, or the given default. */
	readonly added: readonly string[];
	/** Fields whose values are gone. */
	readonly removed: readonly string[];
	/** Fields that lie elsewhere or have another type. */
	readonly changed: readonly string[];
	/** The old map takes no more writes from user space; false where the kernel refuses that. */
	readonly frozen: boolean;
}

export class Migration {
	private readonly swap: PinnedMap;
	private readonly old: BpfMap;
	private readonly converter: Converter;
	private readonly copier: Copier;
	private readonly adder: Adder | undefined;
	private frozen = false;

	/** *Throws:* `ERR_MIGRATION`, `ERR_USAGE`, `ERR_UNSUPPORTED`. */
	constructor(swap: PinnedMap, options: MigrateOptions) {
		const {map: made, path, predecessor: old} = swap;
		if (old === undefined) throw new TypeError('nothing to migrate from');
		this.swap = swap;
		this.old = old;
		const perCpu = isPerCpu(made.info.type);
		const cpus = perCpu ? possibleCpus() : 0;
		const side = ({types, info}: BpfMap) => ({types, ...info});
		const indexed = isIndexed(made.info.type);
		this.converter = new Converter(side(old), side(made), cpus, indexed, options);
		const [refused] = this.converter.changes.refused;
		if (refused !== undefined && options.transform === undefined) {
			const detail = `field "${refused.path}": ${refused.detail}`;
			throw new MigrationError(made.name, path, detail);
		}

		const counters =
			(options.counters ?? []).length === 0
				? []
				: counterFields(made.types, options.counters ?? []);
		if (counters.length > 0) {
			this.adder = new Adder(
				{fd: made.fd, name: made.name, keySize: made.info.keySize},
				perCpu,
				counters,
			);
		}

		this.copier = new Copier({
			old,
			made,
			path,
			converter: this.converter,
			resumed: swap.resumed === true,
			counters,
			adder: this.adder,
			cpus: Math.max(1, cpus),
		});
	}

	/** One round of copying, in steps. */
	copy(): Generator<void, void, undefined> {
		return this.copier.run();
	}

	/** Makes writes of user space to the old map fail, which would be lost otherwise. */
	freeze(): void {
		// Writes that are under way make it busy for a moment.
		for (let attempt = 0; attempt < 100; attempt++) {
			try {
				this.old.freeze();
				this.frozen = true;
				return;
			} catch (error) {
				if (!(error instanceof MapError)) throw error;
				const {EBUSY, EINVAL} = constants.errno;
				if (error.errno === ENOTSUPP || error.errno === EINVAL) return;
				if (error.errno !== EBUSY) throw error;
			}
		}
	}

	report(): MigrationReport {
		const {added, removed, changed} = this.converter.changes;
		const {map, path} = this.swap;
		return {
			map: map.name,
			path,
			from: this.old.info.id,
			to: map.info.id,
			...this.copier.counts,
			added,
			removed,
			changed,
			frozen: this.frozen,
		};
	}

	dispose(): void {
		this.adder?.[Symbol.dispose]();
	}
}
