/** Opens one map of the datapath with the layout it has. */

import {addon} from '../kernel/sys/addon.js';
import {Fd} from '../kernel/sys/fd.js';
import {mapFlags} from '../uapi/flags.js';
import {BpfMap} from '../object/map/map.js';
import {readMapInfo, type MapInfo} from '../object/map/map-info.js';
import {readMapTypes} from '../object/map/open-map.js';
import {PinError} from '../object/pin/pin-error.js';
import {tryOpenPin} from '../object/pin/pin.js';
import {recordCodecs} from './layout/layouts.js';
import type {PinnedAs} from './layout/map-table.js';
import {candidatesFor, type Candidate, type Candidates} from './layout/recognise.js';
import type {LayoutVersion} from './layout/versions.js';
import type {PossibleVersions, VersionCount} from './version-count.js';

/**
 * How a layout was recognised: by the sizes of key and value, which were enough; by the map's types;
 * by the version that was given; by what other maps of the node say. `guess`: all of that left several,
 * of which this is the most likely.
 */
export type RecognisedBy = 'sizes' | 'types' | 'version' | 'neighbours' | 'guess';

/** A layout that is known, or was guessed. */
export interface KnownLayout {
	readonly known: true;
	/** All versions that have it, oldest first. */
	readonly versions: readonly LayoutVersion[];
	readonly by: RecognisedBy;
}

/** A layout that no version has. */
export interface UnknownLayout {
	readonly known: false;
	/** What to tell the user. */
	readonly warning: string;
}

interface OpenMap {
	/** As pinned, with prefix. */
	readonly name: string;
	readonly path: string;
}

/** A map of the datapath: with fields by name where `known`, as bytes otherwise. */
export type DatapathMap<K, V> =
	| (OpenMap & {
			readonly known: true;
			readonly layout: KnownLayout;
			readonly map: BpfMap<K, V>;
	  })
	| (OpenMap & {
			readonly known: false;
			readonly layout: UnknownLayout;
			readonly map: BpfMap<Uint8Array, Uint8Array>;
	  });

export interface OpenRequest extends OpenMap {
	readonly pinned: PinnedAs;
	readonly write: boolean;
	readonly version: LayoutVersion | undefined;
	/** What the maps of the node say together; asked where one map alone does not say enough. */
	readonly versions: () => VersionCount;
}

/** Undefined when nothing is pinned there. *Throws:* `ERR_PIN`. */
export function openRecords(request: OpenRequest): DatapathMap<unknown, unknown> | undefined {
	const {name, path, pinned, write} = request;
	const fd = openMapPin(path, write);
	if (fd === undefined) return undefined;
	const handle = new Fd(fd, `map "${name}"`);
	try {
		const info = readMapInfo(fd);
		const found = chooseLayout(candidatesOf(info, pinned), request);
		if (found === undefined) {
			const layout = {known: false, warning: warningFor(info, name)} as const;
			const map = new BpfMap<Uint8Array, Uint8Array>(handle, info, undefined, {raw: true});
			return {name, path, known: false, layout, map};
		}

		const {candidate, by} = found;
		if (by === 'guess' && write) {
			// What is guessed is not written: a wrong layout would corrupt the map.
			handle.close();
			return openRecords({...request, write: false});
		}

		const {btf, keyTypeId, valueTypeId, key, value, keyCodec, valueCodec} = recordCodecs(
			candidate.key,
			candidate.value,
		);
		const codecs = {
			...(key !== undefined && {key}),
			...(value !== undefined && {value}),
			keyCodec,
			valueCodec,
		};
		const map = new BpfMap<unknown, unknown>(
			handle,
			info,
			{btf, keyTypeId, valueTypeId},
			codecs,
		);
		const layout = {known: true, versions: candidate.versions, by} as const;
		return {name, path, known: true, layout, map};
	} catch (error) {
		handle.close();
		throw error;
	}
}

/** Versions that a pinned map may be of; undefined when no map is pinned there. */
export function readLayouts(path: string, pinned: PinnedAs): PossibleVersions | undefined {
	const fd = openMapPin(path, false);
	if (fd === undefined) return undefined;
	try {
		return candidatesOf(readMapInfo(fd), pinned).list.flatMap(({versions}) => versions);
	} finally {
		addon.closeFd(fd);
	}
}

function openMapPin(path: string, write: boolean): number | undefined {
	const fd = tryOpenPin(path, write ? 0 : mapFlags.rdonly);
	if (fd === undefined || addon.fdKind(fd) === 'map') return fd;
	addon.closeFd(fd);
	throw new PinError('open map', path, 'what is pinned there is not a map');
}

function candidatesOf(info: MapInfo, pinned: PinnedAs): Candidates {
	return candidatesFor(pinned, {...info, types: readMapTypes(info)});
}

function chooseLayout(
	{list, by}: Candidates,
	{version, versions}: OpenRequest,
): {candidate: Candidate; by: RecognisedBy} | undefined {
	const [first] = list;
	if (first === undefined) return undefined;
	if (list.length === 1) return {candidate: first, by};
	const having = (wanted: LayoutVersion): Candidate | undefined =>
		list.find(candidate => candidate.versions.includes(wanted));
	const given = version === undefined ? undefined : having(version);
	if (given !== undefined) return {candidate: given, by: 'version'};
	const {agreed, ranked} = versions();
	const left = new Set([...agreed].flatMap(each => having(each) ?? []));
	const [only] = left;
	if (only !== undefined && left.size === 1) return {candidate: only, by: 'neighbours'};
	const likely = (left.size > 0 ? [...agreed].reverse() : ranked).map(having);
	return {candidate: likely.find(each => each !== undefined) ?? first, by: 'guess'};
}

function warningFor({type, keySize, valueSize}: MapInfo, name: string): string {
	return `no known version has a map ${name} of type ${type} with keys of ${keySize} and values of ${valueSize} bytes and these fields`;
}
