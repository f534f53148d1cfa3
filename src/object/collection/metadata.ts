/** What an object says of itself in variables `bpf_metadata_NAME`: version, commit, options. */

import {programBindMap} from '../../kernel/sys/program.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import type {CollectionSpec} from '../../spec/types.js';
import {CodecError} from '../../format/codec/codec-error.js';
import type {BpfMap} from '../map/map.js';
import {openMapById} from '../map/open-map.js';
import type {Program} from '../program/program.js';

const prefix = 'bpf_metadata_';

/**
 * Lets programs keep the map of such variables, which they need not use themselves.
 *
 * *Kernel:* 5.10; older ones keep it with the programs only that use it.
 */
export function bindMetadata(
	spec: CollectionSpec,
	maps: Readonly<Record<string, BpfMap>>,
	programs: Iterable<Program>,
): void {
	const names = new Set(
		Object.values(spec.variables)
			.filter(({name}) => name.startsWith(prefix))
			.map(({map}) => map),
	);
	if (names.size === 0) return;
	for (const program of programs) {
		for (const name of names) {
			const map = maps[name];
			if (map === undefined) continue;
			try {
				programBindMap(program.fd, map.fd);
			} catch (error) {
				if (!(error instanceof SyscallError)) throw error;
			}
		}
	}
}

/**
 * The variables `bpf_metadata_NAME` of a program's maps, by NAME; text where they are characters.
 *
 * *Throws:* `ERR_SYSCALL`, `ERR_MAP` without the privilege to open maps by id.
 */
export function readMetadata(program: Program): Readonly<Record<string, unknown>> {
	const found = Object.create(null) as Record<string, unknown>;
	for (const id of program.mapIds()) {
		using map = openMapById<number>(id);
		const {type, maxEntries, name} = map.info;
		// Data sections are arrays of one element with a dot in their names.
		if (type !== 'array' || maxEntries !== 1 || !name.includes('.')) continue;
		for (const [key, value] of Object.entries(sectionOf(map))) {
			if (key.startsWith(prefix)) found[key.slice(prefix.length)] = textOf(value);
		}
	}

	return found;
}

function sectionOf(map: BpfMap<number>): object {
	try {
		const value = map.get(0);
		return typeof value === 'object' && value !== null ? value : {};
	} catch (error) {
		// A section of something that has no fields to read.
		if (error instanceof CodecError) return {};
		throw error;
	}
}

/** Characters up to a NUL, where all are printable. */
function textOf(value: unknown): unknown {
	const isBytes = value instanceof Uint8Array || Array.isArray(value);
	if (!isBytes || value.length === 0) return value;
	const codes = Array.from(value as ArrayLike<unknown>);
	const end = codes.indexOf(0);
	const letters = end < 0 ? codes : codes.slice(0, end);
	const isText = letters.every(
		code => typeof code === 'number' && (code >= 32 || code === 9 || code === 10) && code < 127,
	);
	return isText ? String.fromCharCode(...(letters as number[])) : value;
}
