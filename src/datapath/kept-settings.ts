/** What a datapath was brought up with: its programs carry it, and an upgrade keeps it. */

import {existsSync} from 'node:fs';

import {programBindMap} from '../kernel/sys/program.js';
import {createMap} from '../object/map/create-map.js';
import {openMapById} from '../object/map/open-map.js';
import {openPinnedProgram, type Program} from '../object/program/program.js';
import {mapFlags} from '../uapi/flags.js';
import type {XdpChoice} from './hooks.js';
import type {DatapathMaps} from './maps.js';
import type {NodeSettings} from './objects.js';
import {datapathPrograms} from './programs.js';
import {programPath} from './root.js';
import type {MapSizes, SizeOptions} from './sizes.js';

/** What an upgrade keeps of how a datapath was brought up. */
export interface DatapathSettings extends NodeSettings {
	/** The node's devices: what comes and goes by them is guarded. */
	readonly devices?: readonly string[];
	/**
	 * Whether frames are looked at before the stack has them, on the same devices: for the prefilter
	 * and for services. What runs stays unless given, and for services it is `auto`.
	 */
	readonly xdp?: XdpChoice;
}

const mapName = 'node_settings';
/** The first whose pin is exchanged: an upgrade that is killed behind it is finished by the next. */
const [{name: carrier} = {name: ''}] = datapathPrograms;

/**
 * Binds settings to the programs that were set up with them, before they are pinned: both are
 * exchanged in one step. *Kernel:* 5.10.
 */
export function bindSettings(
	programs: ReadonlyMap<string, Program>,
	options: DatapathSettings,
): void {
	const program = programs.get(carrier);
	if (program === undefined) throw new TypeError(`there is no program ${carrier}`);
	const {netns, devices, xdp, gateway, mtu, hostFirewall, fibRouting} = options;
	const {nat, traceSockets, services, constants} = options;
	// A map has the exclusions.
	const masquerade = {...options.masquerade, exclude: undefined};
	const settings: {readonly [K in keyof Required<DatapathSettings>]: unknown} = {
		...{netns, devices, xdp, gateway, mtu, hostFirewall, fibRouting},
		...{nat, masquerade, traceSockets, services, constants},
	};
	const text = JSON.stringify(settings, (_name, value: unknown) =>
		typeof value === 'bigint' ? String(value) : value,
	);
	const contents = new TextEncoder().encode(text);
	using map = createMap({
		type: 'array',
		name: mapName,
		keySize: 4,
		valueSize: contents.length,
		maxEntries: 1,
		flags: mapFlags.rdonly_prog,
		contents,
		frozen: true,
	});
	programBindMap(program.fd, map.fd);
}

/** The settings of the programs that are pinned; undefined where there are none. */
export function readSettings(root: string): DatapathSettings | undefined {
	const path = programPath(root, carrier);
	if (!existsSync(path)) return undefined;
	using program = openPinnedProgram(path);
	for (const id of program.mapIds()) {
		using map = openMapById<Uint8Array, Uint8Array>(id);
		if (map.info.name !== mapName) continue;
		const contents = map.raw.get(new Uint8Array(4));
		return JSON.parse(new TextDecoder().decode(contents), (name, value: unknown) =>
			name === 'constants' ? numbersOf(value as object) : value,
		) as DatapathSettings;
	}

	return {};
}

function numbersOf(constants: object): Record<string, bigint> {
	return Object.fromEntries(
		Object.entries(constants).map(([name, value]) => [name, BigInt(value as string | number)]),
	);
}

/** What was kept, and in its place what is given anew: field by field, down to a family's address. */
export function mergeSettings<T extends DatapathSettings>(kept: DatapathSettings, given: T): T {
	return {
		...kept,
		...given,
		devices: [...new Set([...(kept.devices ?? []), ...(given.devices ?? [])])],
		gateway: {...kept.gateway, ...given.gateway},
		nat: {...kept.nat, ...given.nat},
		masquerade: {...kept.masquerade, ...given.masquerade},
		services: {...kept.services, ...given.services},
		constants: {...kept.constants, ...given.constants},
	};
}

/** Sizes that are given, and else those that pinned maps have. */
export function mergeSizes(maps: DatapathMaps, given: SizeOptions = {}): SizeOptions {
	if (given.ratio !== undefined || given.memory !== undefined) return given;
	const pinned = {
		conntrackTcp: maps.ctTcp4,
		conntrackAny: maps.ctAny4,
		nat: maps.nat4,
		socketReverseNat: maps.reverseSockets4,
		services: maps.services4,
	} satisfies Partial<Record<keyof MapSizes, unknown>>;
	const sizes = Object.entries(pinned).flatMap(([name, map]) =>
		map === undefined ? [] : [[name, map.map.info.maxEntries] as const],
	);
	return {...Object.fromEntries(sizes), ...given};
}
