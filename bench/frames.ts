/** Frames for XDP programs, by test runs and through a veth pair. */

import {execFileSync} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';

import {loadCollection, parseObject, type Collection, type Program} from '../src/index.js';
import {programTestRun} from '../src/kernel/sys/program.js';
import {xdpActionName} from '../src/uapi/verdicts.js';
import {encodeContext} from '../src/lab/run/context.js';
import type {Host} from '../src/lab/index.js';
import {testRunFlags} from '../src/uapi/flags.js';
import {compileBench} from './flows.js';

/** As in bench/bpf/frames.bpf.c. */
const frameSize = 80;

export interface FrameRun {
	readonly frame: Uint8Array;
	/** A power of two. */
	readonly flows: number;
	/** How often it is run. */
	readonly repeat: number;
	/** Where it seems to have come from: the first interface of the host. */
	readonly at: Host;
}

export class Frames {
	private readonly collection: Collection;
	private readonly slots = new Map<Program, number>();

	private constructor(collection: Collection) {
		this.collection = collection;
	}

	static async make(): Promise<Frames> {
		const spec = parseObject(await compileBench('frames'), {name: 'frames'});
		return new Frames(loadCollection(spec));
	}

	/** One of bench/bpf/frames.bpf.c. */
	program(name: 'nothing' | 'drop' | 'back'): Program {
		return this.collection.program(name);
	}

	/** Nanoseconds of each by itself; the last one's verdict is looked at. */
	run(program: Program, run: FrameRun, verdict: string): number {
		this.collection.variable('target').set(this.slotOf(program));
		const {returnValue, duration} = this.testRun(this.collection.program('vary'), run, 0);
		const found = xdpActionName(returnValue);
		if (found !== verdict) throw new Error(`${program.name}: "${found}", not "${verdict}"`);
		return duration;
	}

	/**
	 * Sends them out of the host's first interface, which has an XDP program, and waits until they
	 * are gone; how many a second came to the first interface of `end`.
	 */
	send(run: FrameRun, end: Host): number {
		const before = received(end);
		const start = process.hrtime.bigint();
		this.testRun(this.collection.program('send'), run, testRunFlags.xdp_live_frames);
		const seconds = Number(process.hrtime.bigint() - start) / 1e9;
		return (received(end) - before) / seconds;
	}

	close(): void {
		this.collection.close();
	}

	private testRun(
		program: Program,
		{frame, flows, repeat, at}: FrameRun,
		flags: number,
	): {returnValue: number; duration: number} {
		const data = new Uint8Array(frameSize);
		data.set(frame.subarray(0, frameSize));
		this.collection.variable('frame').set([...new BigUint64Array(data.buffer)]);
		this.collection.variable('flow_mask').set(flows - 1);
		const ingress_ifindex = at.interfaces[0]?.ifindex ?? 0;
		const netns = openSync(at.netns, 'r');
		try {
			const result = programTestRun({
				fd: program.fd,
				data,
				context: encodeContext('xdp', {ingress_ifindex}, frameSize, 0),
				repeat,
				flags,
				cpu: 0,
				netns,
			});
			if (result.result < 0) throw new Error(`run ${program.name}: errno ${-result.result}`);
			return result;
		} finally {
			closeSync(netns);
		}
	}

	private slotOf(program: Program): number {
		const known = this.slots.get(program);
		if (known !== undefined) return known;
		const slot = this.slots.size;
		this.collection.map('targets').set(slot, program);
		this.slots.set(program, slot);
		return slot;
	}
}

/** Frames that a host's first interface got, whatever became of them. */
function received(host: Host): number {
	const name = host.interfaces[0]?.name;
	const found = host.readInterfaces().find(one => one.name === name);
	return Number(found?.counters.receivedPackets ?? 0);
}

/** Keeps this thread, in which all of a frame's way is gone, on the first CPU meanwhile. */
export function onFirstCpu<T>(work: () => T): T {
	const pid = String(process.pid);
	const mask = /([\da-f]+)\s*$/.exec(execFileSync('taskset', ['-p', pid], {encoding: 'utf8'}));
	execFileSync('taskset', ['-p', '1', pid]);
	try {
		return work();
	} finally {
		execFileSync('taskset', ['-p', mask?.[1] ?? 'ffffffff', pid]);
	}
}
