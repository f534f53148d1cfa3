/** What both forms of output tell of cases that did not pass. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import type {EbpfError} from '../../base/errors.js';
import {
	diffPackets,
	formatPacketDiff,
	parsePacket,
	type LayerName,
	type Packet,
	type PacketComparison,
	type StageRun,
	type UnitTestCase,
} from '../../lab/index.js';
import {hexdump} from '../output/hexdump.js';

export interface DetailOptions {
	readonly verbose?: boolean;
	/** Packets and contexts, too. */
	readonly dumpCtx?: boolean;
}

export function isBad(status: string): boolean {
	return status === 'fail' || status === 'error';
}

/** Packets that differ; and what went into each program and came out, where it is asked for. */
export function* detailLines(one: UnitTestCase, options: DetailOptions): Generator<string> {
	for (const comparison of one.comparisons) yield* comparisonLines(comparison);
	if (options.dumpCtx === true) {
		for (const stage of one.stages) yield* dumpLines(stage);
	} else if (options.verbose === true) {
		yield* stageLines(one);
	}
}

/** A line for each program of a case. */
export function* stageLines({stages}: UnitTestCase): Generator<string> {
	for (const stage of stages) yield stageLine(stage);
}

function stageLine({stage, program, returnValue, packetIn, packetOut, duration}: StageRun): string {
	const sizes = `${packetIn.length} → ${packetOut.length} bytes`;
	return `${stage} ${program} returned ${returnValue | 0}, ${sizes}, ${duration} ns`;
}

function* comparisonLines(comparison: PacketComparison): Generator<string> {
	const {name, file, line, got, expected} = comparison;
	const where = file === '' ? '' : ` at ${file}:${line}`;
	const lengths =
		got.length === expected.length
			? `${got.length} bytes`
			: `got ${got.length} bytes, expected ${expected.length}`;
	yield `packet "${name}" differs${where}: ${lengths}`;
	const fields = fieldDifference(comparison);
	if (fields !== undefined) {
		for (const line of fields.split('\n')) yield `  ${line}`;
		return;
	}

	const [left, right] = [[...hexdump(got)], [...hexdump(expected)]];
	for (let i = 0; i < Math.max(left.length, right.length); i++) {
		const [mine, theirs] = [left[i], right[i]];
		if (mine === theirs) {
			yield `    ${mine ?? ''}`;
			continue;
		}

		if (theirs !== undefined) yield `  - ${theirs}`;
		if (mine !== undefined) yield `  + ${mine}`;
	}
}

/** What tests call the layers that buffers begin with. */
const firstLayers: Readonly<Record<string, LayerName>> = {
	Ether: 'ethernet',
	Dot1Q: 'vlan',
	ARP: 'arp',
	IP: 'ipv4',
	IPv6: 'ipv6',
	ICMP: 'icmp',
	TCP: 'tcp',
	UDP: 'udp',
	SCTP: 'sctp',
	VXLAN: 'vxlan',
	GENEVE: 'geneve',
};

/** By field; undefined where bytes are no packets. */
function fieldDifference({firstLayer, got, expected}: PacketComparison): string | undefined {
	const said = firstLayers[firstLayer];
	const guesses = firstLayer === '' ? (['ethernet', 'ip'] as const) : [];
	for (const first of said === undefined ? guesses : [said]) {
		const [theirs, mine] = [parsePacket(expected, {first}), parsePacket(got, {first})];
		if (!isRead(theirs) || !isRead(mine)) continue;
		if (said === undefined && [theirs, mine].some(isOpaque)) continue;
		return formatPacketDiff(diffPackets(theirs, mine));
	}

	return undefined;
}

function isRead({layers}: Packet): boolean {
	return layers.every(layer => layer.layer !== 'payload' || layer.malformed === undefined);
}

/** Ethernet of anything, as any bytes are. */
function isOpaque({layers}: Packet): boolean {
	return layers[1]?.layer === 'payload';
}

function* dumpLines(stage: StageRun): Generator<string> {
	yield stageLine(stage);
	yield `  context in   ${contextText(stage.contextIn)}`;
	yield `  context out  ${contextText(stage.contextOut)}`;
	yield '  packet in';
	yield* packetLines(stage.packetIn);
	if (Buffer.compare(stage.packetIn, stage.packetOut) === 0) {
		yield '  packet out is the same';
		return;
	}

	yield '  packet out';
	yield* packetLines(stage.packetOut);
}

function* packetLines(packet: Uint8Array): Generator<string> {
	const used = packet.findLastIndex(byte => byte !== 0) + 1;
	const read = parsePacket(packet);
	if (isRead(read) && !isOpaque(read)) yield `    ${String(read)}`;
	for (const line of hexdump(packet.subarray(0, used))) yield `    ${line}`;
	if (used < packet.length) yield `    and ${packet.length - used} zero bytes`;
}

/** Fields of `__sk_buff` that a program may be given, by their offsets. */
const fields: readonly (readonly [name: string, offset: number])[] = [
	['mark', 8],
	['queue_mapping', 12],
	['priority', 32],
	['ingress_ifindex', 36],
	['ifindex', 40],
	...[0, 1, 2, 3, 4].map(i => [`cb[${i}]`, 48 + 4 * i] as const),
	['wire_len', 160],
	['gso_segs', 164],
	['gso_size', 176],
];

function contextText(context: Uint8Array): string {
	if (context.length === 0) return 'none';
	const view = viewOf(context);
	const set = fields.flatMap(([name, offset]) => {
		if (offset + 4 > context.length) return [];
		const value = view.getUint32(offset, hostLittleEndian);
		return value === 0 ? [] : [`${name}=${value}`];
	});
	return set.length === 0 ? 'all zero' : set.join(' ');
}

/** What else an error tells: of the verifier, the part of its log that matters. */
export function errorLines(error: EbpfError): string[] {
	const lines: string[] = [];
	if ('source' in error) {
		const source = error.source as {file?: string; line?: number; text: string};
		const place = source.file === undefined ? 'source' : `${source.file}:${source.line ?? '?'}`;
		lines.push(`${place} | ${source.text}`);
	}

	if ('excerpt' in error && typeof error.excerpt === 'function') {
		const text = (error as EbpfError & {excerpt(): string}).excerpt();
		lines.push(...text.split('\n'));
	}

	if ('hint' in error && typeof error.hint === 'string') lines.push(`hint: ${error.hint}`);
	return lines;
}
