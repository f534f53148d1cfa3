/** Loads the large object in turn with the calls that it takes; prints the figures as JSON. */

import {readFileSync} from 'node:fs';

import {loadCollection, parseObject} from '../src/index.js';
import {addon} from '../src/kernel/sys/addon.js';
import {cpu, race} from './measure.js';

const [file = '', rounds = ''] = process.argv.slice(2);

interface Call {
	readonly command: number;
	readonly attr: Uint8Array;
	readonly pointers: readonly (number | Uint8Array | null)[];
	readonly result: number;
}

/** The calls of bpf(2) that `work` makes: makes maps and loads programs. */
function record(work: () => void): Call[] {
	const calls: Call[] = [];
	const door = addon as {bpf: typeof addon.bpf};
	const {bpf} = addon;
	door.bpf = (command, attr, pointers, netns) => {
		const [before, kept] = [attr.slice(), pointers.map(each => each)];
		const result = bpf(command, attr, pointers, netns);
		calls.push({command, attr: before, pointers: kept, result});
		return result;
	};
	try {
		work();
	} finally {
		door.bpf = bpf;
	}

	return calls;
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
// As in a process that has loaded before: V8 compiles for a dozen rounds.
for (let i = 0; i < 16; i++) whole();
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
