/** Maglev: look-up tables that agree on all nodes and change little with their backends. */

import {UsageError} from '../../base/errors.js';
import {buildMaglevTable} from '../../kernel/sys/maglev.js';
import {protocolName, protocolNumber} from '../protocols.js';
import {maglevSizes} from '../service-settings.js';
import {readAddress} from './addresses.js';

/** As many as Cilium's tables have by default. */
export const defaultMaglevSize = 16_381;
/** Cilium's default seed, in base64. */
export const defaultMaglevSeed = 'JLfvgnHc2kaSUFaI';
/** Cilium's weight for a backend that is given none. */
export const defaultWeight = 100;

/** How tables are made: all nodes have to agree. */
export interface MaglevOptions {
	/** Places of a table; 16381 unless given. */
	readonly size?: number;
	/** 12 bytes in base64, of which the first four count here; Cilium's default unless given. */
	readonly seed?: string;
}

/** A backend that takes part in a table. */
export interface MaglevBackend {
	readonly address: string;
	readonly port: number;
	/** `tcp` unless given. */
	readonly protocol?: string | number;
	/** 1 to 65535; 100 unless given. */
	readonly weight?: number;
	/** What stands in the table for it; its place in the list, from 1 on, unless given. */
	readonly id?: number;
}

/** A look-up table and whom its places lead to. */
export interface MaglevTable {
	/** A backend's id for each place. */
	readonly ids: Uint32Array;
	readonly backends: readonly (MaglevBackend & {readonly id: number})[];
}

/** Whom a part of the flows goes to. */
export interface MaglevShare {
	readonly backend: MaglevBackend & {readonly id: number};
	readonly places: number;
	/** Of the flows, 0 to 1. */
	readonly share: number;
}

/** What becomes of flows when one table takes another one's place. */
export interface MaglevChange {
	readonly size: number;
	/** Places that lead to another backend than before. */
	readonly moved: number;
	/** Places that have to move for the shares to change as they do. */
	readonly ideal: number;
	/** Part of all places that move beyond that, 0 to 1. */
	readonly excess: number;
}

const seedBytes = 12;

/** The table's hash seed, and those with which programs hash flows of each family. */
export interface MaglevSeeds {
	readonly murmur: number;
	readonly jhash4: number;
	readonly jhash6: number;
}

/** Takes a seed apart. *Throws:* `ERR_USAGE`. */
export function readMaglevSeed(seed: string = defaultMaglevSeed): MaglevSeeds {
	const bytes = Buffer.from(seed, 'base64');
	if (bytes.length !== seedBytes || bytes.toString('base64') !== seed) {
		throw new UsageError(`read seed "${seed}": expected ${seedBytes} bytes in base64`);
	}

	const [murmur, jhash4, jhash6] = [0, 4, 8].map(at => bytes.readUInt32BE(at));
	return {murmur: murmur ?? 0, jhash4: jhash4 ?? 0, jhash6: jhash6 ?? 0};
}

/** *Throws:* `ERR_USAGE`. */
export function checkMaglevSize(size: number): number {
	if (maglevSizes.includes(size)) return size;
	throw new UsageError(
		`make Maglev table: size is one of ${maglevSizes.join(', ')}, got ${size}`,
	);
}

/**
 * The name by which a backend is known in tables of all nodes. It is Cilium's, also in what it says
 * of the state.
 */
export function maglevName(address: string, port: number, protocol: number): string {
	const host = address.includes(':') ? `[${address}]` : address;
	const name = protocol === 0 ? 'ANY' : protocolName(protocol).toUpperCase();
	return `[${host}:${port}/${name},State:active]`;
}

/**
 * Makes a table, off the event loop. Backends may come in any order.
 *
 * *Throws:* `ERR_USAGE` for no backend, one that stands in the list twice, and a size that is none of
 * `maglevSizes`.
 */
export async function maglevTable(
	backends: readonly MaglevBackend[],
	{size = defaultMaglevSize, seed}: MaglevOptions = {},
): Promise<MaglevTable> {
	checkMaglevSize(size);
	const {murmur} = readMaglevSeed(seed);
	if (backends.length === 0) throw new UsageError('make Maglev table: there is no backend');
	const members = backends.map(({address, port, protocol = 'tcp', weight, id}, i) => {
		const number =
			String(protocol).toLowerCase() === 'any' ? 0 : protocolNumber(String(protocol));
		return {
			name: maglevName(readAddress(address).text, port, number),
			id: id ?? i + 1,
			weight: weight ?? defaultWeight,
		};
	});
	for (const {name, weight} of members) {
		if (Number.isInteger(weight) && weight > 0 && weight <= 0xffff) continue;
		throw new UsageError(`make Maglev table: ${name} has a weight of ${weight}`);
	}

	const names = new Set(members.map(({name}) => name));
	if (names.size < members.length) {
		throw new UsageError('make Maglev table: a backend stands in the list twice');
	}

	const ids = await buildMaglevTable(size, murmur, members.sort(byName));
	return {ids, backends: backends.map((backend, i) => ({...backend, id: backend.id ?? i + 1}))};
}

/** In the order in which backends take turns. */
export function byName(a: {readonly name: string}, b: {readonly name: string}): number {
	return a.name < b.name ? -1 : Number(a.name > b.name);
}

/** How many places lead to each backend, in the order of the list. */
export function maglevShares({ids, backends}: MaglevTable): MaglevShare[] {
	const counts = countIds(ids);
	return backends.map(backend => {
		const places = counts.get(backend.id) ?? 0;
		return {backend, places, share: places / ids.length};
	});
}

/**
 * What would become of flows. Backends are told apart by address, port and protocol, so that ids may
 * differ. *Throws:* `ERR_USAGE` for tables of different sizes.
 */
export function maglevDiff(before: MaglevTable, after: MaglevTable): MaglevChange {
	const size = before.ids.length;
	if (after.ids.length !== size) {
		throw new UsageError(
			`compare Maglev tables: one has ${size} places, the other ${after.ids.length}`,
		);
	}

	const names = new Map<string, number>();
	const namesIn = ({ids, backends}: MaglevTable): Uint32Array => {
		const known = new Map<number, number>();
		for (const {id, address, port, protocol = 'tcp'} of backends) {
			const name = `${readAddress(address).text} ${port} ${String(protocol).toLowerCase()}`;
			const number = names.get(name) ?? names.size;
			names.set(name, number);
			known.set(id, number);
		}

		// Those that no backend of the list has are all the same to it.
		return ids.map(id => known.get(id) ?? 0xffff_ffff);
	};
	const [from, to] = [namesIn(before), namesIn(after)];
	const moved = from.reduce((sum, name, i) => sum + Number(name !== to[i]), 0);
	const counts = countIds(to);
	const ideal = [...countIds(from)].reduce(
		(sum, [name, places]) => sum + Math.max(0, places - (counts.get(name) ?? 0)),
		0,
	);
	return {size, moved, ideal, excess: (moved - ideal) / size};
}

function countIds(ids: Uint32Array): Map<number, number> {
	const counts = new Map<number, number>();
	for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
	return counts;
}
