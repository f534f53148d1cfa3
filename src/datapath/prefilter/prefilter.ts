/** Sources whose frames are dropped before anything else looks at them. */

import {viewOf} from '../../base/bytes.js';
import {programsEnded} from '../../kernel/sys/grace.js';
import {mapDelete} from '../../kernel/sys/map.js';
import {MapError} from '../../object/map/map-error.js';
import {DatapathError} from '../datapath-error.js';
import type {DatapathMaps} from '../maps.js';
import {withLock} from '../root.js';
import {
	createListMap,
	keysOf,
	openListMap,
	putListMap,
	writeKeys,
	type Generations,
	type ListMap,
} from './list-map.js';
import {
	PrefilterKeys,
	prefilterLists,
	prefixText,
	sortPrefixes,
	type PrefilterList,
} from './lists.js';

/** When a change is made. */
export interface PrefilterOptions {
	/** Only while the lists have this revision. */
	readonly revision?: number;
}

/** What a change made of the lists. */
export interface PrefilterChange {
	/** Grows with every change. */
	readonly revision: number;
	/** Prefixes that were given, of a deletion those that were there. */
	readonly changed: number;
	/** False where the lists were changed as they are, true where new ones took their place at once. */
	readonly replaced: boolean;
}

/** A list in force. */
interface Place {
	readonly map: ListMap;
	readonly list: PrefilterList;
}

/** Indices in `runtime_config`, as in bpf/maps/config.h. */
const stateIndex = 129;
const revisionIndex = 130;
/** As in bpf/types/prefilter.h. */
const generationBit = 1;

/**
 * The lists of denied sources, of both families.
 *
 * A list is replaced as a whole: a new one is filled while the old one counts, and one byte changes
 * between them, so that each frame meets the one or the other. Changes wait for each other, and
 * need maps that were opened with `write`, of skep's own; those of a Cilium node can be listed.
 *
 * *Kernel:* 5.18 for the program; batches of prefixes 5.17, one by one before.
 */
export class Prefilter {
	private readonly maps: DatapathMaps;
	private last: Promise<unknown> = Promise.resolve();

	constructor(maps: DatapathMaps) {
		this.maps = maps;
	}

	/** Grows with every change; 0 on a Cilium node, which has none. */
	get revision(): number {
		if (this.isCilium()) return 0;
		return Number(this.maps.require('runtimeConfig').get(revisionIndex) ?? 0n);
	}

	/** Denied prefixes, those of one list behind those of another: addresses first, IPv4 first. */
	*[Symbol.iterator](): Generator<string> {
		if (this.isCilium()) {
			yield* this.ofCilium();
			return;
		}

		this.requireXdp('list prefilter');
		const places = this.openInForce();
		try {
			for (const {map, list} of places) {
				for (const [keys, count] of keysOf(map, list)) {
					const view = viewOf(keys);
					for (let i = 0; i < count; i++) yield prefixText(list, view, i);
				}
			}
		} finally {
			for (const {map} of places) map.close();
		}
	}

	/** The same at once. */
	list(): string[] {
		return [...this];
	}

	/**
	 * Denies more prefixes; an address is one of full length. They come into force one after the other,
	 * and where the lists have no room for them, at once.
	 *
	 * *Throws:* `ERR_ADDRESS` before anything is changed; `ERR_DATAPATH` while another process changes
	 * them, for a revision they do not have, and where XDP is off; `ERR_MAP`.
	 */
	async add(
		prefixes: Iterable<string>,
		options: PrefilterOptions = {},
	): Promise<PrefilterChange> {
		const added = await sortPrefixes(prefixes);
		return this.change('add to prefilter', options, async () => {
			const replaced = !(await this.addInPlace(added));
			if (replaced) await this.install(this.joined(added));
			return {changed: total(added), replaced};
		});
	}

	/** Denies prefixes no more that were denied by exactly these. *Throws:* as `add`. */
	async delete(
		prefixes: Iterable<string>,
		options: PrefilterOptions = {},
	): Promise<PrefilterChange> {
		const removed = await sortPrefixes(prefixes);
		return this.change('delete from prefilter', options, () => {
			let changed = 0;
			this.inForce(map => {
				const keys = removed.find(({list}) => list === map.list);
				if (keys === undefined) return;
				const {keySize} = map.list;
				for (let i = 0; i < keys.count; i++) {
					const key = keys.bytes.subarray(i * keySize, (i + 1) * keySize);
					if (mapDelete(map.map.fd, key) === 0) changed++;
				}

				// An empty list is not looked into.
				if (keysOf(map.map, map.list).next().done === true) this.setBits(0, map.list.bit);
			});
			return {changed, replaced: false};
		});
	}

	/** Denies these prefixes and no others, at once. *Throws:* as `add`. */
	async replace(
		prefixes: Iterable<string>,
		options: PrefilterOptions = {},
	): Promise<PrefilterChange> {
		const wanted = await sortPrefixes(prefixes);
		return this.change('replace prefilter', options, async () => {
			await this.install(wanted);
			return {changed: total(wanted), replaced: true};
		});
	}

	private async change(
		action: string,
		{revision: expected}: PrefilterOptions,
		work: () => Promise<Omit<PrefilterChange, 'revision'>> | Omit<PrefilterChange, 'revision'>,
	): Promise<PrefilterChange> {
		const {root} = this.maps;
		const inTurn = async () => {
			this.requireXdp(action);
			return withLock(`${root}/prefilter`, action, async () => {
				const {revision} = this;
				if (expected !== undefined && expected !== revision) {
					const detail = `its revision is ${revision}, not ${expected}: it was changed meanwhile`;
					throw new DatapathError(action, root, detail);
				}

				const done = await work();
				const config = this.maps.require('runtimeConfig');
				config.set(revisionIndex, BigInt(revision + 1));
				return {revision: revision + 1, ...done};
			});
		};
		const turn = this.last.then(inTurn, inTurn);
		this.last = turn.catch(() => undefined);
		return turn;
	}

	/** True where there was room for all of them. */
	private async addInPlace(added: readonly PrefilterKeys[]): Promise<boolean> {
		const {generation} = this.state();
		const places: [ListMap, PrefilterKeys][] = [];
		try {
			for (const keys of added) {
				if (keys.count === 0) continue;
				const map = openListMap(this.generations(keys.list), generation);
				if (map === undefined) return false;
				places.push([map, keys]);
			}

			for (const [map, keys] of places) {
				await writeKeys(map, keys);
				this.setBits(keys.list.bit, 0);
			}

			return true;
		} catch (error) {
			if (isFull(error)) return false;
			throw error;
		} finally {
			for (const [map] of places) map.close();
		}
	}

	/** What is in force, and these. */
	private joined(added: readonly PrefilterKeys[]): readonly PrefilterKeys[] {
		const all = prefilterLists.map(list => new PrefilterKeys(list));
		this.inForce(({map, list}) => {
			const keys = all.find(each => each.list === list);
			for (const [bytes, count] of keysOf(map, list)) keys?.addKeys(bytes, count);
		});
		for (const [i, keys] of added.entries()) all[i]?.addKeys(keys.bytes, keys.count);
		return all;
	}

	/** Fills the generation that does not count, and makes it count. */
	private async install(wanted: readonly PrefilterKeys[]): Promise<void> {
		const {generation} = this.state();
		const next = generation ^ generationBit;
		const filled: (ListMap | undefined)[] = [];
		let bits = 0;
		try {
			const fills = await Promise.allSettled(
				wanted.map(async (keys, i) => {
					if (keys.count === 0) return;
					filled[i] = await createListMap(keys);
					bits |= keys.list.bit;
				}),
			);
			for (const fill of fills) if (fill.status === 'rejected') throw fill.reason;

			// At once, so that they wait together.
			await Promise.all(
				wanted.map(async ({list}, i) =>
					putListMap(this.generations(list), next, filled[i]),
				),
			);
			this.maps.require('runtimeConfig').set(stateIndex, BigInt(bits | next));
			// Until then frames may look into what they found before.
			await programsEnded();
			await Promise.all(
				prefilterLists.map(async list =>
					putListMap(this.generations(list), generation, undefined),
				),
			);
		} finally {
			for (const map of filled) map?.close();
		}
	}

	private inForce(work: (place: Place) => void): void {
		const places = this.openInForce();
		try {
			for (const place of places) work(place);
		} finally {
			for (const {map} of places) map.close();
		}
	}

	/** The lists in force, which the caller closes: of one generation, whoever replaces it meanwhile. */
	private openInForce(): Place[] {
		for (;;) {
			const {generation} = this.state();
			const {revision} = this;
			const places: Place[] = [];
			let failure: unknown;
			try {
				for (const list of prefilterLists) {
					const map = openListMap(this.generations(list), generation);
					if (map !== undefined) places.push({map, list});
				}
			} catch (error) {
				failure = error;
			}

			// Twice replaced, it would be the same generation again.
			const isSame = this.state().generation === generation && this.revision === revision;
			if (isSame && failure === undefined) return places;
			for (const {map} of places) map.close();
			if (isSame) throw failure;
		}
	}

	private state(): {generation: number; bits: number} {
		const state = Number(this.maps.require('runtimeConfig').get(stateIndex) ?? 0n);
		return {generation: state & generationBit, bits: state};
	}

	private setBits(set: number, clear: number): void {
		const {bits} = this.state();
		const wanted = (bits | set) & ~clear;
		if (wanted !== bits) this.maps.require('runtimeConfig').set(stateIndex, BigInt(wanted));
	}

	private generations({generations}: PrefilterList): Generations {
		return this.maps.require(generations);
	}

	private isCilium(): boolean {
		return this.maps.prefilterAddresses4 === undefined && this.maps.prefix !== '';
	}

	private requireXdp(action: string): void {
		if (this.maps.prefilterAddresses4 !== undefined) return;
		const detail =
			this.maps.prefix === ''
				? 'XDP was never on: "skep datapath up --xdp auto" switches it on'
				: "it is another datapath's, whose agent keeps it";
		throw new DatapathError(action, this.maps.root, detail);
	}

	private *ofCilium(): Generator<string> {
		for (const {cilium} of prefilterLists) {
			const found = this.maps[cilium];
			if (found === undefined) continue;
			if (!found.known) {
				throw new DatapathError('list prefilter', found.path, found.layout.warning);
			}

			for (const {prefix} of found.map.keys()) yield prefix;
		}
	}
}

const total = (all: readonly PrefilterKeys[]): number =>
	all.reduce((sum, {count}) => sum + count, 0);

const isFull = (error: unknown): boolean =>
	error instanceof MapError && error.code === 'ERR_MAP_FULL';
