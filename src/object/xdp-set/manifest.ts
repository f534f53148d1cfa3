/** The list of a dispatcher's members, kept in a map that lives and goes with the dispatcher. */

import {alignUp} from '../../base/bytes.js';
import {addon} from '../../kernel/sys/addon.js';
import {mapInfo} from '../../kernel/sys/info.js';
import {mapCreate, mapFreeze, mapLookup, mapUpdate} from '../../kernel/sys/map.js';
import {objectFdById} from '../../kernel/sys/object.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {mapFlags} from '../../uapi/flags.js';
import {mapTypeNumber} from '../../uapi/map-types.js';
import {xdpActionName, xdpActions} from '../../uapi/verdicts.js';
import {LinkError} from '../link/link-error.js';
import type {Program} from '../program/program.js';
import type {StoredMember} from './member.js';

const mapName = 'skep_xdp_set';
const version = 1;
const key = new Uint8Array(4);

/** The list as bytes. */
export function encodeManifest(members: readonly StoredMember[]): Uint8Array {
	const list = members.map(each => ({
		...each,
		chain: each.chain.map(action => xdpActions[action as keyof typeof xdpActions]),
		instructions: Buffer.from(each.instructions).toString('base64'),
		references: each.references.map(({slot, mapId}) => [slot, mapId]),
	}));
	const text = Buffer.from(JSON.stringify({version, members: list}));
	const bytes = new Uint8Array(alignUp(text.length + 1, 8));
	bytes.set(text);
	return bytes;
}

/** The list that `bytes` are; undefined when they are none, or one of a version to come. */
export function decodeManifest(bytes: Uint8Array): StoredMember[] | undefined {
	const end = bytes.indexOf(0);
	try {
		const text = Buffer.from(bytes.subarray(0, end < 0 ? bytes.length : end)).toString();
		const manifest = record(JSON.parse(text));
		if (manifest['version'] !== version) return undefined;
		return list(manifest['members']).map(decodeMember);
	} catch (error) {
		if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
		throw error;
	}
}

function decodeMember(value: unknown): StoredMember {
	const member = record(value);
	return {
		name: text(member['name']),
		priority: whole(member['priority']),
		chain: list(member['chain']).map(each => xdpActionName(whole(each))),
		license: text(member['license']),
		flags: whole(member['flags']),
		instructions: Uint8Array.from(Buffer.from(text(member['instructions']), 'base64')),
		references: list(member['references']).map(each => {
			const [slot, mapId] = list(each);
			return {slot: whole(slot), mapId: whole(mapId)};
		}),
	};
}

function record(value: unknown): Record<string, unknown> {
	if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
	throw new TypeError('no object');
}

function list(value: unknown): unknown[] {
	if (Array.isArray(value)) return value as unknown[];
	throw new TypeError('no list');
}

function text(value: unknown): string {
	if (typeof value === 'string') return value;
	throw new TypeError('no text');
}

function whole(value: unknown): number {
	if (Number.isInteger(value)) return value as number;
	throw new TypeError('no whole number');
}

/** A read-only map that holds the list; the caller closes the descriptor. *Throws:* `ERR_SYSCALL`. */
export function createManifest(members: readonly StoredMember[]): number {
	const bytes = encodeManifest(members);
	const fd = mapCreate({
		type: mapTypeNumber('array'),
		keySize: 4,
		valueSize: bytes.length,
		maxEntries: 1,
		flags: mapFlags.rdonly_prog,
		name: mapName,
		extra: 0n,
	});
	const result = mapUpdate(fd, key, bytes, 0);
	if (result < 0) {
		addon.closeFd(fd);
		throw new SyscallError('map_update_elem', -result);
	}

	mapFreeze(fd);
	return fd;
}

/** The members of a dispatcher. *Throws:* `ERR_LINK` when it is none that this version made. */
export function readManifest(action: string, dispatcher: Program): StoredMember[] {
	for (const id of dispatcher.mapIds()) {
		const fd = objectFdById('map', id);
		try {
			const {name, valueSize} = mapInfo(fd);
			if (name !== mapName) continue;
			const bytes = new Uint8Array(valueSize);
			const members = mapLookup(fd, key, bytes, 0) < 0 ? undefined : decodeManifest(bytes);
			if (members !== undefined) return members;
		} finally {
			addon.closeFd(fd);
		}
	}

	throw new LinkError(
		action,
		`program ${dispatcher.info().id} is called "${dispatcher.name}", but its members cannot be read: another version made it`,
	);
}
