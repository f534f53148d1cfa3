import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {programTestRun} from '../../kernel/sys/program.js';
import {ProgramError} from '../../object/program/program-error.js';
import type {Program} from '../../object/program/program.js';
import {errnoName, errnoText} from '../../uapi/errno.js';
import type {Stage, StageRun} from './results.js';

/** What goes from one program of a case to the next. */
export interface Traveller {
	readonly packet: Uint8Array;
	readonly context: Uint8Array;
}

/** What a case begins with: all that fits into a page beside the kernel's own. */
const packetSize = 3520;
const contextSize = 256;
/** How much a packet may grow in one program. */
const growth = 258;

export function firstTraveller(program: Program): Traveller {
	const isXdp = program.type === 'xdp';
	return {
		packet: new Uint8Array(packetSize),
		context: new Uint8Array(isXdp ? 0 : contextSize),
	};
}

/** Puts the status of `setup` in front of the packet that `check` gets. */
export function withStatus({packet, context}: Traveller, status: number): Traveller {
	const longer = new Uint8Array(packet.length + 4);
	viewOf(longer).setUint32(0, status, hostLittleEndian);
	longer.set(packet, 4);
	return {packet: longer, context};
}

const eintr = 4;
const mostInterruptions = 16;

/** Runs a program once in a namespace. *Throws:* `ERR_PROGRAM`. */
export function runStage(
	stage: Stage,
	program: Program,
	{packet, context}: Traveller,
	netns: number,
): StageRun {
	const contextIn = fitContext(context, packet.length);
	const packetOut = new Uint8Array(packet.length + growth);
	const contextOut = new Uint8Array(context.length);
	for (let attempt = 0; ; attempt++) {
		const run = programTestRun({
			fd: program.fd,
			data: packet,
			dataOut: packetOut,
			...(context.length === 0 ? {} : {context: contextIn, contextOut}),
			repeat: 1,
			flags: 0,
			cpu: 0,
			netns,
		});
		if (run.result === -eintr && attempt < mostInterruptions) continue;
		if (run.result < 0) {
			const errno = -run.result;
			const detail = `${errnoText(errno)} (${errnoName(errno)}) on ${packet.length} bytes`;
			throw new ProgramError('run', program.name, detail, {errno});
		}

		return {
			stage,
			program: program.name,
			returnValue: run.returnValue,
			packetIn: packet,
			packetOut: packetOut.slice(0, run.dataSize),
			contextIn,
			contextOut: contextOut.slice(0, context.length === 0 ? 0 : run.contextSize),
			duration: run.duration,
		};
	}
}

/** `wire_len` of `__sk_buff`: the kernel refuses one below the packet's length, and 0 is that. */
const wireLength = 160;

function fitContext(context: Uint8Array, length: number): Uint8Array {
	if (context.length < wireLength + 4) return context;
	const copy = context.slice();
	const view = viewOf(copy);
	if (view.getUint32(wireLength, hostLittleEndian) < length) {
		view.setUint32(wireLength, 0, hostLittleEndian);
	}

	return copy;
}
