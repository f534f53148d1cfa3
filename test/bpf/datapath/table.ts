/** Tables of packets for the datapath's programs. */

import test from 'ava';

import type {NodeSettings} from '../../../src/datapath/objects.js';
import {
	cases,
	runPackets,
	type CasePacket,
	type ExpectedEffect,
	type PacketLike,
	type PacketStep,
} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {
	closeGuardedNodes,
	guardedNode,
	type Guarded,
	type GuardedNode,
	type Policy,
	type ProgramName,
} from './guarded-node.js';
import {families, type Family} from './people.js';

export const ingress = 1;
export const egress = 2;

/** Where a packet goes: the verdict, and the slot of bpf/types/metrics.h that counts it. */
const ways = {
	/** Into another endpoint's namespace. */
	peer: ['redirect', 0],
	/** The same, as its flow is known. */
	shortcut: ['redirect', 9],
	/** On to the endpoint whose interface it is on. */
	endpoint: ['unspec', 1],
	/** To the host, from the network. */
	host: ['unspec', 2],
	/** From an endpoint to the host's stack. */
	stack: ['unspec', 3],
	/** From the host to the network. */
	network: ['unspec', 4],
	/** To a proxy of the host. */
	proxy: ['unspec', 5],
	/** To a proxy of the host, back from an endpoint's interface. */
	'back to proxy': ['redirect', 5],
	/** To another endpoint's interface, where it will be guarded and counted. */
	interface: ['redirect', undefined],
	/** Back to who sent it. */
	back: ['redirect', undefined],
	/** It is none of the program's business. */
	'by itself': ['unspec', undefined],
} as const;
export type Way = keyof typeof ways;

/** One packet of a case: it is dropped or goes somewhere. */
export interface TablePacket extends Omit<CasePacket, 'verdict' | 'program'> {
	/** Its reason and direction. */
	readonly drop?: readonly [reason: number, direction: number];
	readonly goes?: Way;
	/** What else the metrics count. */
	readonly counts?: readonly (readonly [reason: number, direction: number])[];
	/** The program that gets this packet: the table's unless given. */
	readonly program?: ProgramName;
}

/** A line of a table. */
export type TableLine = {
	readonly name: string;
	/** Of everybody who has one. */
	readonly policies?: Partial<Record<Guarded, Policy>>;
	/** What happens before all packets. */
	readonly prepare?: (node: GuardedNode) => void;
	/** Packets that came before, through the table's program or another. */
	readonly given?: readonly (
		PacketLike | (Omit<PacketStep, 'program'> & {program?: ProgramName})
	)[];
	/** What happens after them. */
	readonly meanwhile?: (node: GuardedNode) => void;
} & (TablePacket | {readonly packets: readonly TablePacket[]});

/** What a table is run with: constants of the programs. */
export type TableSettings = NodeSettings;

const kernel = kernelTest({feature: 'test runs of tcx programs', since: '6.6'});

test.after.always(closeGuardedNodes);

/** Declares a test for each line and family. */
export function table(
	program: ProgramName,
	lines: (family: Family) => readonly TableLine[],
	settings: TableSettings = {},
): void {
	for (const family of families) tableOf(program, family.name, lines(family), settings);
}

/** Declares a test for each line. */
export function tableOf(
	program: ProgramName,
	what: string,
	lines: readonly TableLine[],
	settings: TableSettings = {},
): void {
	for (const line of lines) kernel(behaves, program, what, line, settings);
}

const behaves = test.macro({
	async exec(t, program: ProgramName, _: string, line: TableLine, settings: TableSettings) {
		const node = await guardedNode(t, settings);
		const {name, policies = {}, prepare, given = [], meanwhile} = line;
		const steps = 'packets' in line ? line.packets : [line];
		const list = [
			{
				name,
				prepare: () => {
					node.setPolicies(policies);
					prepare?.(node);
					for (const each of given) send(node, program, each);
					meanwhile?.(node);
				},
				packets: steps.map(step => toCase(node, program, step)),
			},
		];
		const [result] = [...cases(node.programs[program], list, {maps: node.watched})];
		t.is(result?.run().failure, undefined);
	},
	title: (_: string | undefined, program: ProgramName, what: string, line: TableLine) =>
		`${program}, ${what}: ${line.name}`,
});

function send(
	node: GuardedNode,
	program: ProgramName,
	each: PacketLike | (Omit<PacketStep, 'program'> & {program?: ProgramName}),
): void {
	const {program: other = program, ...step} = 'packet' in each ? each : {packet: each};
	runPackets(node.programs[other], [step], {maps: []});
}

function toCase(node: GuardedNode, usual: ProgramName, step: TablePacket): CasePacket {
	const {drop, goes, counts = [], maps, program = usual, ...rest} = step;
	const [verdict, slot] = drop ? ['shot', undefined] : goes ? ways[goes] : [];
	const counted = [...(drop ? [drop] : []), ...counts];
	return {
		...rest,
		program: node.programs[program],
		...(verdict !== undefined && {verdict}),
		maps: {
			metrics: counted.map(([reason, dir]) => ({key: {reason, dir}, ...grows()})),
			...(verdict !== undefined && {metricsPending: slot === undefined ? [] : [{key: slot}]}),
			...maps,
		},
	};
}

/** A count that is one more than before. */
function grows(): Pick<ExpectedEffect, 'before' | 'after'> {
	let before = 0n;
	return {
		before: (value: {count: bigint} | undefined) => {
			before = value?.count ?? 0n;
			return true;
		},
		after: (value: {count: bigint}) => value.count === before + 1n,
	};
}
