/** Adds to counters of a map that programs count in, losing nothing of either. */

import {alignUp, hostLittleEndian, viewOf} from '../../base/bytes.js';
import {UsageError} from '../../base/errors.js';
import {assemble} from '../../format/asm/assemble.js';
import {
	add,
	atomic,
	call,
	exit,
	jumpIf,
	load,
	loadMapFd,
	mov,
	store,
	type Unresolved,
} from '../../format/asm/build.js';
import type {Instruction} from '../../format/asm/instruction.js';
import {UnsupportedError} from '../../kernel/features/unsupported-error.js';
import {Fd} from '../../kernel/sys/fd.js';
import {programLoad, programTestRun} from '../../kernel/sys/program.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {programTypeNumber} from '../../uapi/program-types.js';
import {programFlags} from '../../uapi/flags.js';
import type {Counter} from './converter.js';

const longestKey = 448;

/**
 * A program of type syscall that adds atomically to fields of one element. Its context is the CPU
 * as u32, 4 bytes of nothing, the key, and a u64 for each counter.
 */
export class Adder implements Disposable {
	private readonly program: Fd;
	private readonly context: Uint8Array;
	private readonly view: DataView;
	private readonly deltas: number;
	private readonly counters: readonly Counter[];

	/** *Throws:* `ERR_UNSUPPORTED`, `ERR_USAGE` for keys that no program's stack holds. */
	constructor(
		map: {readonly fd: number; readonly name: string; readonly keySize: number},
		perCpu: boolean,
		counters: readonly Counter[],
	) {
		if (map.keySize > longestKey) {
			throw new UsageError(
				`count in map "${map.name}": its key of ${map.keySize} bytes is too long`,
			);
		}

		const keyRoom = alignUp(map.keySize, 8);
		this.deltas = 8 + keyRoom;
		this.context = new Uint8Array(this.deltas + counters.length * 8);
		this.view = viewOf(this.context);
		this.counters = counters;
		const {result} = programLoad({
			type: programTypeNumber('syscall'),
			instructions: assemble(
				instructions(map.fd, keyRoom, perCpu, counters),
				hostLittleEndian,
			),
			license: 'Apache-2.0',
			name: 'skep_add',
			flags: programFlags.sleepable,
			attachType: 0,
			logLevel: 0,
		});
		if (result < 0) {
			const cause = new SyscallError('prog_load', -result);
			throw new UnsupportedError(
				`count in map "${map.name}"`,
				'a program that adds to its elements',
				perCpu ? '5.19' : '5.14',
				{cause, errno: -result},
			);
		}

		this.program = new Fd(result, 'program "skep_add"');
	}

	/**
	 * Adds `delta(i)`, which wraps around, to the i-th counter of the key's value; false when the
	 * key is not there. *Throws:* `ERR_SYSCALL`.
	 */
	add(key: Uint8Array, cpu: number, delta: (index: number) => bigint): boolean {
		this.view.setUint32(0, cpu, hostLittleEndian);
		this.context.set(key, 8);
		for (const index of this.counters.keys()) {
			const word = BigInt.asUintN(64, delta(index));
			this.view.setBigUint64(this.deltas + index * 8, word, hostLittleEndian);
		}

		const run = programTestRun({
			fd: this.program.number,
			context: this.context.slice(),
			repeat: 0,
			flags: 0,
			cpu: 0,
		});
		if (run.result < 0) throw new SyscallError('prog_test_run', -run.result);
		return run.returnValue === 1;
	}

	[Symbol.dispose](): void {
		this.program.close();
	}
}

function instructions(
	mapFd: number,
	keyRoom: number,
	perCpu: boolean,
	counters: readonly Counter[],
): (Instruction | Unresolved | string)[] {
	const list: (Instruction | Unresolved | string)[] = [mov('r6', 'r1')];
	for (let at = 0; at < keyRoom; at += 8) {
		list.push(load('r1', 'u64', 'r6', 8 + at), store('u64', 'r10', at - keyRoom, 'r1'));
	}

	list.push(loadMapFd('r1', mapFd), mov('r2', 'r10'), add('r2', -keyRoom));
	if (perCpu) list.push(load('r3', 'u32', 'r6', 0));
	list.push(call(perCpu ? 'map_lookup_percpu_elem' : 'map_lookup_elem'));
	list.push(jumpIf('r0', '==', 0, 'miss'));
	for (const [index, {offset, size}] of counters.entries()) {
		list.push(
			load('r1', 'u64', 'r6', 8 + keyRoom + index * 8),
			atomic('add', size === 8 ? 'u64' : 'u32', 'r0', offset, 'r1'),
		);
	}

	list.push(mov('r0', 1), exit(), 'miss', mov('r0', 0), exit());
	return list;
}
