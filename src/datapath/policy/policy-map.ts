/** The map of an endpoint's rules, made and opened; each policy is a map of its own. */

import type {Codec} from '../../format/codec/codec.js';
import {Btf} from '../../format/btf/btf.js';
import {Fd} from '../../kernel/sys/fd.js';
import {btfBytes} from '../../kernel/sys/info.js';
import {objectFdById} from '../../kernel/sys/object.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {createMap} from '../../object/map/create-map.js';
import {readMapInfo} from '../../object/map/map-info.js';
import {BpfMap} from '../../object/map/map.js';
import {mapFlags} from '../../uapi/flags.js';
import {structCodec, typeIn} from '../layout/layouts.js';
import type {PolicyEntry, PolicyKey} from '../layout/policy.js';
import type {CompiledEntry} from './compile.js';

export type PolicyMap = BpfMap<PolicyKey, PolicyEntry>;

/** As in bpf/maps/policy.h. Kernels before 5.10 want it the same for all maps of a map of maps. */
const usualEntries = 16_384;

/** Types of a map's key and value in the kernel. */
export interface KernelTypes {
	/** To be closed. */
	readonly fd: Fd;
	readonly keyTypeId: number;
	readonly valueTypeId: number;
}

const typeIds = new Map<number, Omit<KernelTypes, 'fd'>>();

/**
 * The types of policies among those that another of the datapath's maps came with; undefined where
 * this process may not have them. A policy without types works the same, but kernels from 5.15 to 6.1
 * refuse it (`EINVAL`), as they take its values for something else than those of the others.
 */
export function openPolicyTypes(btfId: number): KernelTypes | undefined {
	const fd = btfId === 0 ? undefined : openTypes(btfId);
	if (fd === undefined) return undefined;
	const ids = typeIds.get(btfId) ?? findTypeIds(Btf.parse(btfBytes(fd.number)));
	if (ids === undefined) {
		fd.close();
		return undefined;
	}

	typeIds.set(btfId, ids);
	return {fd, ...ids};
}

function findTypeIds(btf: Btf): Omit<KernelTypes, 'fd'> | undefined {
	const key = btf.find('policy_key', 'struct');
	const value = btf.find('policy_entry', 'struct');
	return key && value && {keyTypeId: key.id, valueTypeId: value.id};
}

function openTypes(id: number): Fd | undefined {
	try {
		return new Fd(objectFdById('btf', id), `types ${id}`);
	} catch (error) {
		if (error instanceof SyscallError) return undefined;
		throw error;
	}
}

/** Makes and fills a map. *Throws:* `ERR_MAP`. */
export function createPolicyMap(
	name: string,
	entries: readonly CompiledEntry[],
	types?: KernelTypes,
): PolicyMap {
	const map = createMap<PolicyKey, PolicyEntry>(
		{
			type: 'lpm_trie',
			name,
			keySize: codecs().keyCodec.size,
			valueSize: codecs().valueCodec.size,
			maxEntries: Math.max(usualEntries, entries.length),
			flags: mapFlags.no_prealloc | mapFlags.rdonly_prog,
			keyTypeId: types?.keyTypeId ?? 0,
			valueTypeId: types?.valueTypeId ?? 0,
		},
		{...codecs(), btfFd: types?.fd.number},
	);
	try {
		map.setMany(entries);
		return map;
	} catch (error) {
		map.close();
		throw error;
	}
}

/**
 * Opens one of skep's own by its id; its types need not be read. *Throws:* `ERR_SYSCALL` where it is
 * gone.
 */
export function openPolicyMap(id: number): PolicyMap {
	const fd = new Fd(objectFdById('map', id), `policy map ${id}`);
	try {
		return new BpfMap<PolicyKey, PolicyEntry>(fd, readMapInfo(fd.number), undefined, codecs());
	} catch (error) {
		fd.close();
		throw error;
	}
}

let known: {keyCodec: Codec; valueCodec: Codec} | undefined;

function codecs(): {keyCodec: Codec; valueCodec: Codec} {
	known ??= {keyCodec: codecOf('policy_key'), valueCodec: codecOf('policy_entry')};
	return known;
}

function codecOf(name: string): Codec {
	const type = typeIn('skep', name);
	if (type === undefined) throw new TypeError(`there is no struct ${name}`);
	return structCodec(type);
}
