/**
 * Compares skep with the same work in C on libbpf and with bpftool, side by side.
 *
 *     npm run bench -- [--only NAME]... [--quick] [--rounds N] [--milliseconds N]
 *         [--services N]... [--mode NAME]... [-o table|json]
 */

import {parseArgs} from 'node:util';

import {benchDatapath} from './datapath.js';
import {benchDatapathControl} from './datapath-control.js';
import {benchDatapathNetwork} from './datapath-network.js';
import {benchDump} from './dump.js';
import {benchDumpProcess} from './dump-process.js';
import {benchEvents} from './events.js';
import {makeFlows} from './flows.js';
import {benchKernelBtf} from './kernel-btf.js';
import {benchLargeObject} from './large-object.js';
import {benchLoad} from './load.js';
import {benchLoadLarge} from './load-large.js';
import {formatGroup, type Figure, type Group} from './report.js';
import {MissingToolError} from './tools.js';
import {modeNames, type ModeName} from './service-modes.js';
import {benchServiceNetwork} from './service-network.js';
import {benchServices} from './services.js';
import {benchSingle} from './single.js';
import {benchStart} from './start.js';
import {benchXdp} from './xdp.js';

interface Size {
	readonly elements: number;
	readonly rounds: number;
	/** Of what takes seconds. */
	readonly longRounds: number;
	readonly operations: number;
	readonly loads: number;
	readonly events: number;
	/** Of the datapath: connections that stand, packets in a round. */
	readonly flows: number;
	readonly packets: number;
	/** Of traffic between endpoints, in a round. */
	readonly milliseconds: number;
	/** How many there are at once. */
	readonly services: readonly number[];
	readonly modes: readonly ModeName[];
}

const sizes: Record<'full' | 'quick', Size> = {
	full: {
		elements: 1_000_000,
		rounds: 9,
		longRounds: 3,
		operations: 300_000,
		loads: 200,
		events: 200_000,
		flows: 65_536,
		packets: 20_000,
		milliseconds: 300,
		services: [1, 1000, 10_000],
		modes: modeNames,
	},
	quick: {
		elements: 1000,
		rounds: 1,
		longRounds: 1,
		operations: 1000,
		loads: 2,
		events: 1000,
		flows: 1024,
		packets: 2000,
		milliseconds: 20,
		services: [1, 50],
		modes: modeNames,
	},
};

interface Benchmark {
	readonly title: (size: Size) => string;
	readonly peer: string;
	/** Only where it is asked for: it takes minutes. */
	readonly long?: boolean;
	readonly run: (size: Size) => Figure[] | Promise<Figure[]>;
}

const benchmarks: Record<string, Benchmark> = {
	single: {
		title: ({elements}) =>
			`single: random keys of a hash map with ${elements} elements of 16 + 56 bytes, CPU time`,
		peer: 'C',
		run: async ({elements, rounds, operations}) => {
			using flows = await makeFlows(elements);
			return benchSingle(flows, rounds, operations);
		},
	},
	dump: {
		title: ({elements}) => `dump: all ${elements} elements of that map, CPU time for each`,
		peer: 'C',
		run: async ({elements, rounds}) => {
			using flows = await makeFlows(elements);
			return benchDump(flows, rounds);
		},
	},
	events: {
		title: ({events}) =>
			`events: ${events} events of 64 bytes in a ring buffer, CPU time for each`,
		peer: 'C',
		run: async ({events, rounds}) => benchEvents(events, rounds),
	},
	datapath: {
		title: ({packets}) =>
			`datapath: time of a packet, net of an empty program; ${packets} in a round`,
		peer: 'look-ups',
		run: async ({flows, rounds, packets}) => benchDatapath({flows, rounds, packets}),
	},
	'datapath-control': {
		title: ({rounds}) => `datapath-control: changes made from TypeScript, ${rounds} times`,
		peer: '',
		run: async ({rounds, flows}) => benchDatapathControl({rounds, flows}),
	},
	'datapath-network': {
		title: ({milliseconds}) =>
			`datapath-network: transactions in a second of CPU time; ${milliseconds} ms a round`,
		peer: 'routed',
		long: true,
		run: async ({rounds, milliseconds}) => benchDatapathNetwork(rounds, milliseconds),
	},
	xdp: {
		title: ({packets}) =>
			`xdp: a frame's time net of an empty program's, and frames through a veth pair; ${packets * 50} in a round`,
		peer: 'send back',
		long: true,
		run: async ({rounds, packets}) => benchXdp({rounds, frames: packets * 50}),
	},
	services: {
		title: ({services}) =>
			`services: ${Math.max(...services)} of them installed and changed; skep and C in CPU time`,
		peer: 'C',
		long: true,
		run: async ({longRounds, services, operations}) =>
			benchServices({
				rounds: longRounds,
				services: Math.max(...services),
				updates: Math.min(5000, operations),
			}),
	},
	'service-network': {
		title: ({milliseconds, rounds}) =>
			`service-network: exchanges in a second of CPU time; ${rounds} rounds of ${milliseconds} ms`,
		peer: 'plain',
		long: true,
		run: async ({rounds, milliseconds, services, modes}) =>
			benchServiceNetwork({rounds, milliseconds, counts: services, modes}),
	},
	'dump-process': {
		title: ({elements}) => `dump-process: all ${elements} elements as JSON, by a command`,
		peer: 'bpftool',
		run: async ({elements, longRounds}) => benchDumpProcess(elements, longRounds),
	},
	load: {
		title: () => 'load: an XDP program of 19 instructions and an array map, CPU time',
		peer: 'C',
		run: async ({rounds, loads}) => benchLoad(rounds, loads),
	},
	'load-large': {
		title: () => 'load-large: CPU time for a long program, and for one with CO-RE relocations',
		peer: 'C',
		run: async ({rounds, loads}) => benchLoadLarge(rounds, loads),
	},
	'large-object': {
		title: () => 'large-object: CPU time for 60,000 instructions in 35 programs, and 70 maps',
		peer: 'the calls',
		run: async ({rounds}) => benchLargeObject(rounds),
	},
	'kernel-btf': {
		title: () => "kernel-btf: read and index the kernel's types, find one",
		peer: 'C',
		run: ({rounds}) => benchKernelBtf(rounds),
	},
	start: {
		title: () => 'start: whole processes',
		peer: 'node -e 0',
		run: async ({rounds}) => benchStart(rounds),
	},
};

const usage = `usage: npm run bench -- [--only NAME]... [--quick] [--rounds N] [--milliseconds N]
    [--services N]... [--mode NAME]... [-o table|json]
names: ${Object.keys(benchmarks).join(' ')}
modes: ${modeNames.join(' ')}`;

function readOptions() {
	const {values} = parseArgs({
		options: {
			only: {
				type: 'string',
				multiple: true,
				default: Object.keys(benchmarks).filter(name => benchmarks[name]?.long !== true),
			},
			quick: {type: 'boolean', default: false},
			rounds: {type: 'string'},
			milliseconds: {type: 'string'},
			services: {type: 'string', multiple: true},
			mode: {type: 'string', multiple: true},
			output: {type: 'string', short: 'o', default: 'table'},
		},
	});
	for (const name of values.only) {
		if (!Object.hasOwn(benchmarks, name)) throw new TypeError(`no benchmark "${name}"`);
	}

	if (values.output !== 'table' && values.output !== 'json') {
		throw new TypeError(`no output format "${values.output}"`);
	}

	const {only, output, quick, rounds, milliseconds, services, mode} = values;
	const usual = sizes[quick ? 'quick' : 'full'];
	const size: Size = {
		...usual,
		rounds: count('rounds', rounds) ?? usual.rounds,
		longRounds: count('rounds', rounds) ?? usual.longRounds,
		milliseconds: count('milliseconds', milliseconds) ?? usual.milliseconds,
		services: services?.map(text => count('services', text) ?? 1) ?? usual.services,
		modes: mode?.map(requireMode) ?? usual.modes,
	};
	return {only, output, size};
}

function count(name: string, text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	const value = Number(text);
	if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`no --${name} "${text}"`);
	return value;
}

function requireMode(name: string): ModeName {
	if (!modeNames.includes(name as ModeName)) throw new TypeError(`no mode "${name}"`);
	return name as ModeName;
}

async function main(): Promise<void> {
	let options;
	try {
		options = readOptions();
	} catch (error) {
		process.stderr.write(`${(error as Error).message}\n${usage}\n`);
		process.exitCode = 2;
		return;
	}

	const {size} = options;
	const groups: Group[] = [];
	for (const [name, {title, peer, run}] of Object.entries(benchmarks)) {
		if (!options.only.includes(name)) continue;
		let figures;
		try {
			figures = await run(size);
		} catch (error) {
			if (!(error instanceof MissingToolError)) throw error;
			process.stderr.write(`${name}: ${error.message}\n`);
			process.exitCode = 1;
			continue;
		}

		const group = {name, title: title(size), peer, figures};
		groups.push(group);
		if (options.output === 'table') process.stdout.write(`${formatGroup(group)}\n`);
	}

	if (options.output === 'json') process.stdout.write(`${JSON.stringify(groups, null, '\t')}\n`);
}

await main();
