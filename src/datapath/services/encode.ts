/**
 * Keys and values of services and backends in bytes, as `layout/service.ts` has them: the maps of
 * many thousands, which general codecs would take several times as long to write.
 */

import {hostLittleEndian} from '../../base/bytes.js';
import {putAddress, type Family} from './addresses.js';

/** A buffer and a place in it. */
export interface Place {
	readonly bytes: Uint8Array;
	readonly view: DataView;
	readonly at: number;
}

/** A frontend in numbers. */
export interface FrontendParts {
	readonly family: Family;
	readonly address: string;
	readonly port: number;
	readonly protocol: number;
	readonly scope: number;
}

/** `lb4_key`, `lb6_key`, over zeros or another key. */
export function encodeServiceKey(
	place: Place,
	{family, address, port, protocol, scope}: FrontendParts,
	slot: number,
): void {
	const {bytes, view} = place;
	const behind = putAddress(place, family, address);
	view.setUint16(behind, port);
	view.setUint16(behind + 2, slot, hostLittleEndian);
	bytes[behind + 4] = protocol;
	bytes[behind + 5] = scope;
	view.setUint16(behind + 6, 0);
}

/** What `lb4_service` and `lb6_service` hold. */
export interface ServiceParts {
	/** Algorithm and timeout of slot 0, the backend's id of others. */
	readonly first: number;
	readonly count: number;
	readonly number: number;
	readonly flags: number;
	readonly flags2: number;
	readonly qcount: number;
}

export function encodeService(
	{bytes, view, at}: Place,
	{first, count, number, flags, flags2, qcount}: ServiceParts,
): void {
	view.setUint32(at, first, hostLittleEndian);
	view.setUint16(at + 4, count, hostLittleEndian);
	view.setUint16(at + 6, number);
	bytes[at + 8] = flags;
	bytes[at + 9] = flags2;
	view.setUint16(at + 10, qcount, hostLittleEndian);
}

interface BackendParts {
	readonly family: Family;
	readonly address: string;
	readonly port: number;
	readonly protocol: number;
	readonly state: number;
	readonly cluster: number;
	readonly zone: number;
}

/** `lb4_backend`, `lb6_backend`. */
export function encodeBackend(
	place: Place,
	{family, address, port, protocol, state, cluster, zone}: BackendParts,
): void {
	const {bytes, view} = place;
	const behind = putAddress(place, family, address);
	view.setUint16(behind, port);
	bytes[behind + 2] = protocol;
	bytes[behind + 3] = state;
	view.setUint16(behind + 4, cluster, hostLittleEndian);
	bytes[behind + 6] = zone;
	bytes[behind + 7] = 0;
}

/** `lb4_reverse_nat`, `lb6_reverse_nat`. */
export function encodeReverseNat(
	place: Place,
	{family, address, port}: Pick<FrontendParts, 'family' | 'address' | 'port'>,
): void {
	place.view.setUint16(putAddress(place, family, address), port);
}
