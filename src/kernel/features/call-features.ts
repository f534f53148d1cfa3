/** Commands of bpf(2) and what they take. */

import {constants} from 'node:os';

import {mapFlags} from '../../uapi/flags.js';
import {Attr, cText, tryBpf} from '../sys/attr.js';
import {mapBatch, mapFreeze, mapLookupAndDelete} from '../sys/map.js';
import {enableStats, programBindMap, programTestRun} from '../sys/program.js';
import {answerOf, type Answer} from './answer.js';
import type {Feature} from './feature.js';
import {errnoFrom, tryOpen, withMap, withProgram, type TryMap} from './try.js';

const {EBADF, ENOENT} = constants.errno;

function feature(name: string, since: string, probe: () => Answer): Feature {
	return {name: `call:${name}`, group: 'call', since, probe};
}

const done = (call: () => void) =>
	errnoFrom(() => {
		call();
		return 0;
	});

function batch(map: TryMap): Answer {
	const result = withMap(map, fd => {
		const {errno} = mapBatch('map_lookup_batch', {
			fd,
			inCursor: null,
			outCursor: new Uint8Array(8),
			keys: new Uint8Array(8),
			values: new Uint8Array(4),
			count: 1,
			elementFlags: 0,
		});
		return -errno;
	});
	return answerOf(result, [ENOENT]);
}

function lookupAndDelete(map: TryMap): Answer {
	const keySize = map.keySize ?? 4;
	const key = keySize === 0 ? null : new Uint8Array(keySize);
	const value = new Uint8Array(4);
	return answerOf(
		withMap(map, fd => mapLookupAndDelete(fd, key, value, 0)),
		[ENOENT],
	);
}

function run(flags: number, repeat: number): Answer {
	const data = new Uint8Array(64);
	const result = withProgram(
		{type: 'xdp'},
		fd =>
			programTestRun({
				fd,
				data,
				...(flags === 0 && {dataOut: new Uint8Array(512)}),
				repeat,
				flags,
				cpu: 0,
			}).result,
	);
	return answerOf(result);
}

/** A path in a folder that is none: a kernel without folders does not look at it. */
function pinAtFolder(): Answer {
	const attr = new Attr(20).u32(12, mapFlags.path_fd).u32(16, -1);
	const result = tryBpf('obj_get', attr, [0, cText('skep')]);
	return answerOf(result, [EBADF]);
}

/** A bpf filesystem that is none: a kernel without tokens does not look at it. */
function token(): Answer {
	return answerOf(tryBpf('token_create', new Attr(8).u32(4, -1)), [EBADF]);
}

/** Calls, as `call:batch_hash`. */
export function callFeatures(): Feature[] {
	return [
		feature('map_freeze', '5.2', () =>
			answerOf(withMap({type: 'array'}, fd => done(() => mapFreeze(fd)))),
		),
		feature('batch_hash', '5.6', () => batch({type: 'hash'})),
		feature('batch_array', '5.6', () => batch({type: 'array'})),
		feature('batch_lpm_trie', '5.17', () =>
			batch({type: 'lpm_trie', keySize: 8, flags: mapFlags.no_prealloc}),
		),
		feature('lookup_and_delete_queue', '4.20', () =>
			lookupAndDelete({type: 'queue', keySize: 0}),
		),
		feature('lookup_and_delete_hash', '5.14', () => lookupAndDelete({type: 'hash'})),
		feature('program_stats', '5.8', () => answerOf(tryOpen(enableStats))),
		feature('bind_map', '5.10', () =>
			answerOf(
				withMap({type: 'array'}, map =>
					withProgram({type: 'socket_filter'}, fd => done(() => programBindMap(fd, map))),
				),
			),
		),
		feature('test_run', '4.12', () => run(0, 1)),
		feature('test_run_live_frames', '5.18', () => run(2, 0)),
		feature('pin_at_folder', '6.5', pinAtFolder),
		feature('token', '6.9', token),
	];
}
