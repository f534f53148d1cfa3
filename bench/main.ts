/**
 * Compares skep with the same work in C on libbpf and with bpftool, side by side.
 *
 *     npm run bench -- [--only NAME]... [--quick] [-o table|json]
 */

import {parseArgs} from 'node:util';

import {benchDatapath} from './datapath.js';
import {benchDatapathNetwork} from './datapath-network.js';
import {benchDump} from './dump.js';
import {benchDumpProcess} from './dump-process.js';
import {benchEvents} from './events.js';
import {makeFlows} from './flows.js';
import {benchKernelBtf} from './kernel-btf.js';
import {benchLoad} from './load.js';
import {benchLoadLarge} from './load-large.js';
import {formatGroup, type Figure, type Group} from './report.js';
import {benchSingle} from './single.js';
import {benchStart} from './start.js';

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
	'datapath-network': {
		title: ({milliseconds}) =>
			`datapath-network: transactions in a second of CPU time; ${milliseconds} ms a round`,
		peer: 'routed',
		long: true,
		run: async ({rounds, milliseconds}) => benchDatapathNetwork(rounds, milliseconds),
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

const usage = `usage: npm run bench -- [--only NAME]... [--quick] [-o table|json]
names: ${Object.keys(benchmarks).join(' ')}`;

function readOptions() {
	const {values} = parseArgs({
		options: {
			only: {
				type: 'string',
				multiple: true,
				default: Object.keys(benchmarks).filter(name => benchmarks[name]?.long !== true),
			},
			quick: {type: 'boolean', default: false},
			output: {type: 'string', short: 'o', default: 'table'},
		},
	});
	for (const name of values.only) {
		if (!Object.hasOwn(benchmarks, name)) throw new TypeError(`no benchmark "${name}"`);
	}

	if (values.output !== 'table' && values.output !== 'json') {
		throw new TypeError(`no output format "${values.output}"`);
	}

	return values;
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

	const size = sizes[options.quick ? 'quick' : 'full'];
	const groups: Group[] = [];
	for (const [name, {title, peer, run}] of Object.entries(benchmarks)) {
		if (!options.only.includes(name)) continue;
		const group = {name, title: title(size), peer, figures: await run(size)};
		groups.push(group);
		if (options.output === 'table') process.stdout.write(`${formatGroup(group)}\n`);
	}

	if (options.output === 'json') process.stdout.write(`${JSON.stringify(groups, null, '\t')}\n`);
}

await main();
