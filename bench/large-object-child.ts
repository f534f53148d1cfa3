/** Loads the large object in turn with the calls that it takes; prints the figures as JSON. */

import {readFileSync} from 'node:fs';

import {loadCollection, parseObject} from '../src/index.js';
import {addon} from '../src/kernel/sys/addon.js';
import {mapCreate, type MapCreateAttr} from '../src/kernel/sys/map.js';
import {commandNumber} from '../src/uapi/commands.js';
import {mapTypeNumber} from '../src/uapi/map-types.js';
import {cpu, race} from './measure.js';

const [file = '', rounds = ''] = process.argv.slice(2);

interface Call {
	readonly command: number;
	readonly attr: Uint8Array;
	readonly pointers: readonly (number | Uint8Array | null)[];
	readonly result: number;
}

type Bpf = typeof addon.bpf;

/** Does `work` with `other` in the place of the addon's call. */
function through(other: Bpf, work: () => void): void {
	const door = addon as {bpf: Bpf};
	const {bpf} = addon;
	door.bpf = other;
	try {
		work();
	} finally {
		door.bpf = bpf;
	}
}

/** The calls of bpf(2) that `work` makes: makes maps and loads programs. */
function record(work: () => void): Call[] {
	const calls: Call[] = [];
	const {bpf} = addon;
	through((command, attr, pointers, netns) => {
		const [before, kept] = [attr.slice(), pointers.map(each => each)];
		const result = bpf(command, attr, pointers, netns);
		calls.push({command, attr: before, pointers: kept, result});
		return result;
	}, work);
	return calls;
}

/**
 * Brings V8 to the end of its compiling, which takes `work` a hundred rounds and would be counted
 * as loading: it goes on in other threads. Nothing is verified meanwhile; a map stands for a program.
 */
function compile(work: () => void): void {
	const {bpf} = addon;
	const programLoad = commandNumber('prog_load');
	const map: MapCreateAttr = {
		...{type: mapTypeNumber('array'), name: '', keySize: 4, valueSize: 4, maxEntries: 1},
		...{flags: 0, extra: 0n},
	};
	const standIn: Bpf = (command, attr, pointers, netns) =>
		command === programLoad ? mapCreate(map) : bpf(command, attr, pointers, netns);
	through(standIn, () => {
		for (let i = 0; i < 100; i++) work();
	});
	for (let i = 0; i < 4; i++) work();
}

/** Makes the calls again. Descriptors are given in ascending order: they are the same once more. */
function replay(calls: readonly Call[]): void {
	const opened: number[] = [];
	for (const {command, attr, pointers, result} of calls) {
		const again = addon.bpf(command, attr, pointers, -1);
		if (again !== result) throw new Error(`call ${command} gave ${again}, before ${result}`);
		if (again > 2) opened.push(again);
	}

	for (const fd of opened) addon.closeFd(fd);
}

const bytes = readFileSync(file);
const spec = parseObject(bytes, {name: 'large'});
const load = (): void => {
	loadCollection(spec).close();
};
const whole = (): void => {
	loadCollection(parseObject(bytes, {name: 'large'})).close();
};
compile(whole);
const calls = record(load);
const once = (work: () => void) =>
	cpu(() => {
		work();
		return 1;
	});
const timed = race(
	[
		['the calls alone', once(() => replay(calls))],
		['skep: load', once(load)],
		['skep: read and load', once(whole)],
	],
	Number(rounds),
);
process.stdout.write(JSON.stringify(timed));
