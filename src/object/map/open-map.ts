import {constants} from 'node:os';

import {Btf} from '../../format/btf/btf.js';
import {Fd} from '../../kernel/sys/fd.js';
import {btfBytes} from '../../kernel/sys/info.js';
import {objectFdById} from '../../kernel/sys/object.js';
import {addon} from '../../kernel/sys/addon.js';
import type {MapSpec} from '../../spec/types.js';
import {openPin} from '../pin/pin.js';
import {PinError} from '../pin/pin-error.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {BpfMap, type OpenMapOptions} from './map.js';
import {readMapInfo, type MapInfo} from './map-info.js';
import {MapError} from './map-error.js';
import {typesOf} from './map-mismatch.js';
import type {MapTypes} from './map-codecs.js';

/**
 * Types of a map that is already in the kernel; undefined where it has none, or where this process
 * may not have them: the kernel gives types by id to CAP_SYS_ADMIN only.
 */
export function readMapTypes(info: MapInfo): MapTypes | undefined {
	if (info.btfId === 0 || (info.keyTypeId === 0 && info.valueTypeId === 0)) return undefined;
	const fd = openTypes(info.btfId);
	if (fd === undefined) return undefined;
	try {
		const btf = Btf.parse(btfBytes(fd));
		return {btf, keyTypeId: info.keyTypeId, valueTypeId: info.valueTypeId};
	} finally {
		addon.closeFd(fd);
	}
}

function openTypes(id: number): number | undefined {
	try {
		return objectFdById('btf', id);
	} catch (error) {
		if (error instanceof SyscallError && error.errno === constants.errno.EPERM)
			return undefined;
		throw error;
	}
}

/**
 * A map object over a descriptor that it takes over. Sizes and types come from the kernel; a map that
 * has types which this process may not have gets those of `declared`, if its sizes are the same.
 */
export function mapFromFd<K, V>(
	fd: number,
	options: OpenMapOptions = {},
	declared?: MapSpec,
): BpfMap<K, V> {
	const info = readInfoOrClose(fd);
	const handle = new Fd(fd, `map "${info.name}"`);
	try {
		const types = readMapTypes(info) ?? assumedTypes(info, declared);
		return new BpfMap<K, V>(handle, info, types, options);
	} catch (error) {
		handle.close();
		throw error;
	}
}

function assumedTypes(info: MapInfo, declared: MapSpec | undefined): MapTypes | undefined {
	if (declared === undefined || info.btfId === 0) return undefined;
	const isSame = info.keySize === declared.keySize && info.valueSize === declared.valueSize;
	return isSame ? typesOf(declared) : undefined;
}

function readInfoOrClose(fd: number): MapInfo {
	try {
		return readMapInfo(fd);
	} catch (error) {
		addon.closeFd(fd);
		throw error;
	}
}

/**
 * Opens the map pinned at `path`, decoded through its BTF.
 *
 * *Throws:* `ERR_PIN` when nothing or something else is pinned there. *Kernel:* 4.13.
 */
export function openPinnedMap<K = unknown, V = unknown>(
	path: string,
	options: OpenMapOptions = {},
): BpfMap<K, V> {
	const fd = openPin(path);
	if (addon.fdKind(fd) !== 'map') {
		addon.closeFd(fd);
		throw new PinError('open map', path, 'what is pinned there is not a map');
	}

	return mapFromFd<K, V>(fd, options);
}

/** Opens the map that the kernel numbers `id`. *Throws:* `ERR_MAP` when there is none. */
export function openMapById<K = unknown, V = unknown>(
	id: number,
	options: OpenMapOptions = {},
): BpfMap<K, V> {
	return mapFromFd<K, V>(fdOf(id), options);
}

function fdOf(id: number): number {
	try {
		return objectFdById('map', id);
	} catch (cause) {
		if (!(cause instanceof SyscallError)) throw cause;
		const detail =
			cause.errnoName === 'ENOENT' ? 'there is no map with this id' : cause.message;
		throw new MapError('open', `id ${id}`, detail, {cause, errno: cause.errno});
	}
}
