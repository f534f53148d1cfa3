/** Who reads a perf buffer: of each CPU's place whether it is taken. */

import {constants} from 'node:os';

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {assemble} from '../../format/asm/assemble.js';
import {call, exit, load, loadMapFd} from '../../format/asm/build.js';
import {programTestRun} from '../../kernel/sys/program.js';
import type {ProgramSpec} from '../../spec/types.js';
import type {BpfMap} from '../../object/map/map.js';
import {loadProgram} from '../../object/program/load-program.js';
import {MapError} from '../../object/map/map-error.js';

const {ENOENT} = constants.errno;

/**
 * Places of a perf buffer (`BPF_MAP_TYPE_PERF_EVENT_ARRAY`) that hold somebody's event. User space
 * cannot look into such a map: a program does. Nothing is changed or sent.
 *
 * *Throws:* `ERR_VERIFIER`, `ERR_MAP`. *Kernel:* 5.10.
 */
export function takenPerfPlaces(map: BpfMap): number[] {
	using program = loadProgram(readPlace(map.fd));
	const context = new Uint8Array(8);
	const places = Array.from({length: map.info.maxEntries}, (_, place) => place);
	return places.filter(place => {
		viewOf(context).setUint32(hostLittleEndian ? 0 : 4, place, hostLittleEndian);
		const {result, returnValue} = programTestRun({
			fd: program.fd,
			context,
			repeat: 0,
			flags: 0,
			cpu: 0,
		});
		if (result < 0) {
			throw new MapError('look into', map.name, 'its places cannot be read', {
				errno: -result,
			});
		}

		// Another CPU's event cannot be read, but is there.
		return (returnValue | 0) !== -ENOENT;
	});
}

function readPlace(map: number): ProgramSpec {
	return {
		kind: 'program',
		name: 'skep_perf_place',
		section: 'raw_tp',
		type: 'raw_tracepoint',
		attachType: undefined,
		attachTarget: undefined,
		flags: 0,
		autoload: true,
		license: 'Dual BSD/GPL',
		byteOrder: hostLittleEndian ? 'little' : 'big',
		instructions: assemble([
			load('r2', 'u64', 'r1', 0),
			loadMapFd('r1', map),
			call('perf_event_read'),
			exit(),
		]),
		references: [],
		externs: [],
		functions: [],
		lines: [],
		coreRelocations: [],
		types: undefined,
	};
}
