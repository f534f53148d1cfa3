/** `skep lab test`. */

import {type Command, Option} from 'commander';

import type {SuiteReport, UnitTestReport} from '../../lab/index.js';
import {EbpfError, UsageError} from '../../base/errors.js';
import {wholeNumber} from '../arguments.js';
import {until} from '../interrupt.js';
import {outputOptions, printList, write, writeLines} from '../output/print.js';
import {TapWriter} from './tap.js';
import {summaryLine, treeLines} from './tree.js';

export function addTest(lab: Command): void {
	lab.command('test')
		.description('run unit tests written in C, in a network namespace for each object')
		.argument('<file...>', 'object files, and folders of them')
		.option('--run <pattern>', 'only cases whose names match a regular expression')
		.addOption(
			new Option('--format <format>', 'tree or tap; a tree on a terminal, else tap').choices([
				'tree',
				'tap',
			]),
		)
		.option('--jobs <n>', 'objects at a time; one for each CPU', wholeNumber('jobs', 1))
		.option('--dump-ctx', 'print packet and context of what did not pass, at each step')
		.option('--verbose', 'print what passed in detail, too')
		.addHelpText('after', help)
		.action(test);
}

const help = `
A case is up to three programs: SEC("tc/test/NAME/pktgen") makes a packet,
SEC("tc/test/NAME/setup") runs what is tested, SEC("tc/test/NAME/check") judges;
XDP likewise. lib/test.h has the macros that they are written with, and
lib/test_packet.h makes and compares packets:

  #include "lib/test.h"

  CHECK("tc", "port_is_open")
  int port_is_open_check(struct __sk_buff *ctx)
  {
          assert_equal(lookup_port(80), 1);
          test_finish();
  }

Cases run in the order of their names, and share the object's maps.
With -o json, a line is printed for each object.

Exit status:
  0 every case passed or was skipped
  1 a case failed, an object is broken, or there was no case
  2 not understood

Examples:
  skep object build -I node_modules/skep/bpf lb.test.bpf.c
  skep lab test lb.test.bpf.o
  skep lab test build --run '^tc_' --format tap
  skep lab test lb.test.bpf.o --dump-ctx --verbose`;

interface TestOptions {
	readonly run?: string;
	readonly format?: 'tree' | 'tap';
	readonly jobs?: number;
	readonly dumpCtx?: boolean;
	readonly verbose?: boolean;
}

/** Nothing was tested. */
class NoTestError extends EbpfError {
	static {
		this.prototype.name = 'NoTestError';
	}

	readonly code = 'ERR_NO_TEST';
}

async function test(
	files: readonly string[],
	options: TestOptions,
	command: Command,
): Promise<void> {
	const {runUnitTests} = await import('../../lab/index.js');
	const pattern = options.run === undefined ? undefined : readPattern(options.run);
	const printer = choosePrinter(options, command);
	const report = await until(async signal =>
		runUnitTests(files, {
			signal,
			onSuite: printer.suite,
			...(pattern === undefined ? {} : {run: pattern}),
			...(options.jobs === undefined ? {} : {concurrency: options.jobs}),
		}),
	);
	await printer.end(report);
	if (report.passed) return;
	process.exitCode = 1;
	if (report.suites.length > 0) return;
	const among = options.run === undefined ? '' : ` that matches ${options.run}`;
	throw new NoTestError(`run tests in ${files.join(' ')}: there is no case${among}`);
}

interface Printer {
	readonly suite: (suite: SuiteReport) => void;
	readonly end: (report: UnitTestReport) => Promise<void> | void;
}

function choosePrinter(options: TestOptions, command: Command): Printer {
	const output = outputOptions(command);
	if (output.output !== 'table') {
		const detail = {stages: options.dumpCtx === true};
		return {
			suite: () => undefined,
			end: async ({suites}) => {
				const plain = suites.map(suite => plainSuite(suite, detail));
				await printList(plain, () => ({}), output);
			},
		};
	}

	const isTerminal = process.stdout.isTTY;
	if ((options.format ?? (isTerminal ? 'tree' : 'tap')) === 'tap') {
		const tap = new TapWriter(options);
		write(tap.begin());
		return {
			suite: suite => {
				writeLines(tap.suite(suite));
			},
			end: () => {
				writeLines(tap.end());
			},
		};
	}

	const color = isTerminal && output.color && process.env['NO_COLOR'] === undefined;
	return {
		suite: suite => {
			writeLines(treeLines(suite, {...options, color}));
		},
		end: report => {
			write(`${summaryLine(report)}\n`);
		},
	};
}

/** For programs: errors as what they say, and packets only where they are asked for. */
function plainSuite({error, cases, ...suite}: SuiteReport, detail: {stages: boolean}): object {
	return {
		...suite,
		...(error === undefined ? {} : {error: {code: error.code, message: error.message}}),
		cases: cases.map(({stages, ...one}) => (detail.stages ? {...one, stages} : one)),
	};
}

function readPattern(text: string): RegExp {
	try {
		return new RegExp(text, 'u');
	} catch (cause) {
		throw new UsageError(`read pattern "${text}": ${(cause as Error).message}`, {cause});
	}
}
