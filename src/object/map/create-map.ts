import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {explainPermission} from '../../kernel/host/permission.js';
import {UnsupportedError} from '../../kernel/features/unsupported-error.js';
import {addon} from '../../kernel/sys/addon.js';
import {Fd} from '../../kernel/sys/fd.js';
import {
	mapCreate,
	mapFreeze,
	pageSize,
	possibleCpus,
	type MapCreateAttr,
} from '../../kernel/sys/map.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import type {MapSpec} from '../../spec/types.js';
import {ENOTSUPP} from '../../uapi/errno.js';
import {mapFlags} from '../../uapi/flags.js';
import {mapTypeNumber, mapTypeSince} from '../../uapi/map-types.js';
import {kernelAtLeast} from '../../kernel/host/kernel-version.js';
import {BpfMap, type OpenMapOptions} from './map.js';
import {MapError} from './map-error.js';
import {evicts} from './map-families.js';
import {readMapInfo} from './map-info.js';
import {kernelStructOps} from './struct-ops.js';

const {E2BIG, EINVAL, EPERM, ENOMEM} = constants.errno;
const noPrealloc = 1;
/** Far from all that a process maps by itself, on machines of 47 bits as well. */
const arenaAddress = 1n << 44n;

export interface CreateMapOptions extends OpenMapOptions {
	/** Descriptor of the object's BTF in the kernel; the map then remembers its types. */
	readonly btfFd?: number | undefined;
}

/** A map described by hand, or a whole `MapSpec`. What is left out is 0, empty or none. */
export type MapDescription = Pick<MapSpec, 'type'> &
	Partial<Omit<MapSpec, 'inner'>> & {readonly inner?: MapDescription};

const nothing: Omit<MapSpec, 'type' | 'inner'> = {
	kind: 'map',
	name: '',
	keySize: 0,
	valueSize: 0,
	maxEntries: 0,
	flags: 0,
	extra: 0n,
	pinning: 'none',
	keyTypeId: 0,
	valueTypeId: 0,
};

const fields = Object.keys(nothing) as (keyof typeof nothing)[];

/**
 * Creates a map and, for a data section, fills and freezes it.
 *
 * *Throws:* `ERR_MAP` with what about the map the kernel refuses, `ERR_UNSUPPORTED` for a type that
 * is newer than the kernel.
 */
export function createMap<K = unknown, V = unknown>(
	description: MapDescription,
	options: CreateMapOptions = {},
): BpfMap<K, V> {
	const spec = complete(description);
	// Inner maps are compared with this one: by their types, too, where those have a lock or a timer.
	const inner =
		spec.inner === undefined ? undefined : createMap(spec.inner, {btfFd: options.btfFd});
	try {
		return create<K, V>(normalise(spec), inner?.fd, options);
	} finally {
		inner?.close();
	}
}

function complete(description: MapDescription): MapSpec {
	if (isComplete(description)) return description;
	const {inner, ...rest} = description;
	const spec = {...nothing, ...rest};
	return inner === undefined ? spec : {...spec, inner: complete(inner)};
}

/** Says that of what was read from a file; large objects have many maps, and copies cost. */
function isComplete(description: MapDescription): description is MapSpec {
	for (const field of fields) if (description[field] === undefined) return false;
	return description.inner === undefined || isComplete(description.inner);
}

function create<K, V>(
	spec: MapSpec,
	innerMapFd: number | undefined,
	options: CreateMapOptions,
): BpfMap<K, V> {
	const fd = new Fd(createFd(spec, innerMapFd, options.btfFd), `map "${spec.name}"`);
	try {
		if (spec.contents !== undefined) writeContents(fd.number, spec);
		if (spec.frozen === true) mapFreeze(fd.number);
		const {types, keyTypeId, valueTypeId} = spec;
		return new BpfMap<K, V>(
			fd,
			readMapInfo(fd.number),
			types === undefined ? undefined : {btf: types, keyTypeId, valueTypeId},
			options,
		);
	} catch (error) {
		fd.close();
		throw error;
	}
}

/** What the kernel wants to be told although it could know. */
export function normalise(spec: MapSpec): MapSpec {
	if (spec.type === 'perf_event_array' && spec.maxEntries === 0) {
		return {...spec, maxEntries: possibleCpus()};
	}

	if (spec.type === 'ringbuf' || spec.type === 'user_ringbuf') {
		// A power of two of whole pages, rounded up as object files rely on.
		let size = pageSize();
		while (size < spec.maxEntries) size *= 2;
		return {...spec, maxEntries: size};
	}

	if (spec.numaNode !== undefined && (spec.flags & mapFlags.numa_node) === 0) {
		return normalise({...spec, flags: spec.flags | mapFlags.numa_node});
	}

	if (evicts(spec.type) && (spec.flags & mapFlags.no_common_lru) !== 0) {
		// A list for each CPU, all of one length.
		const cpus = possibleCpus();
		return {...spec, maxEntries: Math.ceil(spec.maxEntries / cpus) * cpus};
	}

	// Programs that use an arena are verified against its address in user space.
	if (spec.type === 'arena' && spec.extra === 0n) return {...spec, extra: arenaAddress};

	if (spec.structOps !== undefined) {
		return {...spec, valueSize: kernelStructOps(spec.name, spec.structOps).value.size};
	}

	return spec;
}

function createFd(
	spec: MapSpec,
	innerMapFd: number | undefined,
	btfFd: number | undefined,
): number {
	const kernelValueTypeId =
		spec.structOps === undefined
			? undefined
			: kernelStructOps(spec.name, spec.structOps).value.id;
	const ownTypes = spec.keyTypeId !== 0 || spec.valueTypeId !== 0;
	const typed = btfFd !== undefined && (ownTypes || spec.structOps !== undefined);
	const plain: MapCreateAttr = {
		type: mapTypeNumber(spec.type),
		name: spec.name,
		keySize: spec.keySize,
		valueSize: spec.valueSize,
		maxEntries: spec.maxEntries,
		flags: spec.flags,
		extra: spec.extra,
		keyTypeId: spec.keyTypeId,
		valueTypeId: spec.valueTypeId,
		kernelValueTypeId,
		innerMapFd,
		numaNode: spec.numaNode,
		btfFd: typed ? btfFd : undefined,
	};
	const attempts = [plain];
	// Variables are reached through memory where the kernel lets them be.
	if (spec.contents !== undefined) {
		attempts.unshift({...plain, flags: spec.flags | mapFlags.mmapable});
	}

	// Maps of descriptors, device maps and others take no types.
	if (typed) attempts.push({...plain, btfFd: undefined});
	try {
		return createFirst(attempts);
	} catch (cause) {
		if (!(cause instanceof SyscallError)) throw cause;
		throw explain(spec, cause);
	}
}

/** The first of the maps that the kernel takes; what it does not know of comes first. */
function createFirst(attempts: readonly MapCreateAttr[]): number {
	for (const [i, attempt] of attempts.entries()) {
		try {
			return mapCreate(attempt);
		} catch (error) {
			if (!(error instanceof SyscallError) || i === attempts.length - 1) throw error;
			if (error.errno !== EINVAL && error.errno !== ENOTSUPP) throw error;
		}
	}

	throw new TypeError('nothing to create');
}

function explain(spec: MapSpec, cause: SyscallError): Error {
	const since = mapTypeSince(spec.type);
	if (cause.errno === EINVAL && since !== undefined && !kernelAtLeast(since)) {
		return new UnsupportedError(
			`create map "${spec.name}"`,
			`maps of type ${spec.type}`,
			since,
			{
				cause,
				errno: cause.errno,
			},
		);
	}

	return new MapError('create', spec.name, hint(spec, cause), {cause, errno: cause.errno});
}

function hint(spec: MapSpec, {errno, message}: SyscallError): string {
	const {type, keySize, valueSize, maxEntries, flags} = spec;
	if (errno === EPERM) return explainPermission('bpf');
	if (errno === ENOMEM || errno === E2BIG) {
		return `${maxEntries} entries of ${keySize} + ${valueSize} bytes are more than the kernel can allocate`;
	}

	if (errno !== EINVAL) return message;
	if (/[^\w.]/.test(spec.name)) return 'a name is made of letters, digits, _ and . alone';
	if (type.endsWith('_storage')) return storageHint(spec);
	if (maxEntries === 0) return 'max_entries is 0';
	if (type.endsWith('_of_maps') && spec.inner === undefined) {
		return 'a map of maps needs a template of the maps in it';
	}

	if (type === 'lpm_trie' && (flags & noPrealloc) === 0) {
		return 'a trie needs the flag BPF_F_NO_PREALLOC';
	}

	if (type === 'lpm_trie' && keySize < 5) {
		return `a trie's key is a u32 prefix length and the data, got ${keySize} bytes`;
	}

	if (type === 'array' && keySize !== 4) return `an array's key has 4 bytes, got ${keySize}`;
	return `the kernel takes no ${type} with key ${keySize}, value ${valueSize}, ${maxEntries} entries, flags 0x${flags.toString(16)}`;
}

function storageHint(spec: MapSpec): string {
	const {type, keySize, valueSize, maxEntries, flags, keyTypeId} = spec;
	if (keyTypeId === 0) return `a map of type ${type} needs BTF types of key and value`;
	if ((flags & mapFlags.no_prealloc) === 0) {
		return `a map of type ${type} needs the flag BPF_F_NO_PREALLOC`;
	}

	if (keySize !== 4 || maxEntries !== 0) {
		return `the key of a map of type ${type} is a descriptor of 4 bytes and its number of entries 0, got ${keySize} bytes and ${maxEntries}`;
	}

	return `the kernel takes no ${type} with a value of ${valueSize} bytes of these types`;
}

function writeContents(fd: number, spec: MapSpec): void {
	const contents = spec.contents;
	if (contents?.length !== spec.valueSize) {
		throw new UsageError(
			`create map "${spec.name}": ${contents?.length ?? 0} bytes of contents for a value of ${spec.valueSize}`,
		);
	}

	const result = addon.mapUpdate(fd, new Uint8Array(4), contents, 0);
	if (result < 0) throw new SyscallError('map_update_elem', -result);
}
