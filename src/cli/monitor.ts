/** `skep monitor`: what the datapath does with packets, as it happens. */

import {Option, type Command} from 'commander';

import type {
	DropEvent,
	EventKind,
	LostEvent,
	MonitorEvent,
	MonitorFilter,
	PolicyVerdictEvent,
	SocketEvent,
	TraceEvent,
	UnknownEvent,
} from '../datapath/index.js';
import {hex} from '../base/bytes.js';
import {jsonOf} from '../base/json.js';
import type {parsePacket as parse, PcapWriter} from '../lab/index.js';
import {collect, wholeNumber} from './arguments.js';
import {withOwnRoot} from './datapath-options.js';
import {hexdump} from './output/hexdump.js';
import {outputOptions, write} from './output/print.js';

const kinds = ['drop', 'trace', 'policy-verdict', 'trace-sock'] as const;

export function addMonitor(noun: Command): void {
	const numbers =
		(what: string, high?: number) =>
		(text: string, list: readonly number[] = []): number[] => [
			...list,
			wholeNumber(what, 0, high)(text),
		];
	withOwnRoot(noun)
		.option('--prefix <text>', "what maps' names begin with; cilium_ on a Cilium node", '')
		.option('--take-over', 'take the events from a Cilium agent until it restarts')
		.addOption(new Option('-t, --type <type...>', 'events of these kinds').choices(kinds))
		.option('--from <id>', 'from this endpoint; may be repeated', numbers('endpoint'))
		.option('--to <id>', 'to this endpoint', numbers('endpoint'))
		.option('--related-to <id>', 'from or to this endpoint', numbers('endpoint'))
		.option('--identity <id>', 'with this identity on either side', numbers('identity'))
		.option('--ip <prefix>', 'with this address or prefix on either side', collect)
		.option('--port <port>', 'with this port on either side', numbers('port', 0xffff))
		.option('--reason <reason>', 'with this drop reason: its number or name', collect)
		.option('--pcap <file>', 'write the packets to a capture file as well')
		.option('-n, --count <events>', 'end after so many', wholeNumber('count', 1))
		.option('-v, --verbose', 'with every layer of the packet, and its bytes')
		.addHelpText(
			'after',
			'\nExamples:\n  skep monitor --type drop --related-to 42\n  skep monitor --ip 10.0.0.0/8 --reason "policy denied" --pcap drops.pcap\n  skep monitor --root /sys/fs/bpf/tc/globals --prefix cilium_',
		)
		.action(run);
}

interface Options {
	readonly root: string;
	readonly prefix: string;
	readonly takeOver?: boolean;
	readonly type?: readonly EventKind[];
	readonly from?: readonly number[];
	readonly to?: readonly number[];
	readonly relatedTo?: readonly number[];
	readonly identity?: readonly number[];
	readonly ip?: readonly string[];
	readonly port?: readonly number[];
	readonly reason?: readonly string[];
	readonly pcap?: string;
	readonly count?: number;
	readonly verbose?: boolean;
}

async function run(options: Options, command: Command): Promise<void> {
	const {monitor, readFlow} = await import('../datapath/index.js');
	const {createPcap, parsePacket} = await import('../lab/index.js');
	const {root, prefix, takeOver = false, pcap, count = Infinity, verbose = false} = options;
	const isTable = outputOptions(command).output === 'table';
	const stop = new AbortController();
	for (const name of ['SIGINT', 'SIGTERM'] as const) {
		process.once(name, () => {
			stop.abort();
		});
	}

	const filter = filterOf(options);
	const file = pcap === undefined ? undefined : await createPcap(pcap);
	using listening = monitor({root, prefix, takeOver, filter, signal: stop.signal});
	process.stderr.write('skep: listening; Ctrl-C ends it\n');
	let left = count;
	try {
		await listening.each(async events => {
			const lines: string[] = [];
			for (const event of events) {
				if (left <= 0) break;
				if (event.kind !== 'lost') left--;
				if (isTable) lines.push(...textOf(event, parsePacket, verbose));
				else lines.push(jsonOf(shown(event, readFlow)));
				if (event.kind === 'unknown') warnOfUnknown(event);
				else if (file !== undefined && 'packet' in event) await capture(file, event);
			}

			write(lines.map(line => `${line}\n`).join(''));
			if (left <= 0) stop.abort();
		});
	} finally {
		await file?.close();
	}
}

function filterOf(options: Options): MonitorFilter {
	const {type, from, to, relatedTo, identity, ip, port, reason} = options;
	return {
		...(type !== undefined && {kinds: type}),
		...(from !== undefined && {from}),
		...(to !== undefined && {to}),
		...(relatedTo !== undefined && {relatedTo}),
		...(identity !== undefined && {identities: identity}),
		...(ip !== undefined && {addresses: ip}),
		...(port !== undefined && {ports: port}),
		...(reason !== undefined && {reasons: reason}),
	};
}

type PacketEvent = Exclude<MonitorEvent, LostEvent | UnknownEvent | SocketEvent>;

async function capture(file: PcapWriter, event: PacketEvent): Promise<void> {
	// A capture has one kind of frames.
	if (event.isL3) return;
	const at = BigInt(event.time) * 1_000_000n;
	await file.write({at, bytes: event.packet, originalLength: event.length});
}

const warned = new Set<number>();

function warnOfUnknown({type}: UnknownEvent): void {
	if (warned.has(type)) return;
	warned.add(type);
	process.stderr.write(
		`skep: warning: no known version has events of type ${type} of that form; they are shown as bytes\n`,
	);
}

/** With the packet's flow, which is what is looked for first. */
function shown(
	event: MonitorEvent,
	readFlow: (packet: Uint8Array, isL3: boolean) => object | undefined,
): object {
	if (!('packet' in event)) return event;
	const {packet, ...rest} = event;
	return {...rest, flow: readFlow(packet, event.isL3) ?? null, packet};
}

function* textOf(
	event: MonitorEvent,
	parsePacket: typeof parse,
	verbose: boolean,
): Generator<string> {
	if (event.kind === 'lost') {
		const {lost, limited} = event;
		if (lost > 0) yield `!! lost ${lost} events: they came faster than they were read`;
		if (limited > 0) yield `!! ${limited} events held back by the rate limit`;
		return;
	}

	if (event.kind === 'unknown') {
		yield `?? event of type ${event.type}, ${event.bytes.length} bytes: ${hex(event.bytes, '')}`;
		return;
	}

	if (event.kind === 'trace-sock') {
		yield socketText(event);
		return;
	}

	const packet = parsePacket(event.packet, {first: event.isL3 ? 'ip' : 'ethernet'});
	const line = packet.toString();
	// What follows the flags is for those who look closer.
	const short = line.replace(/( tcp \S*) seq .*$/, '$1');
	yield `${headOf(event)}: ${verbose ? line : short}`;
	if (!verbose) return;
	const {time, hash, length} = event;
	const at = new Date(time).toISOString();
	yield `   ${at} flow 0x${hash.toString(16)}, ${event.packet.length} of ${length} bytes`;
	if (event.kind === 'drop') yield `   ${placeOf(event)}`;
	for (const line of packet.format().trimEnd().split('\n')) yield `   ${line}`;
	for (const line of hexdump(event.packet)) yield `   ${line}`;
}

function headOf(event: PacketEvent): string {
	switch (event.kind) {
		case 'drop':
			return dropText(event);
		case 'trace':
			return traceText(event);
		case 'policy-verdict':
			return verdictText(event);
	}
}

function dropText(event: DropEvent): string {
	const {reasonText, extendedError, source, sourceIdentity, destinationIdentity} = event;
	const error = extendedError === 0 ? '' : `, ${extendedError}`;
	const to = event.destinationEndpoint === 0 ? '' : ` to ${event.destinationEndpoint}`;
	return `xx drop (${reasonText}${error}) ep ${source}${to} ${event.file}:${event.line} id ${sourceIdentity}->${destinationIdentity}`;
}

function placeOf({file, line, ifindex}: DropEvent): string {
	return `dropped at ${file}:${line}, ifindex ${ifindex}`;
}

function traceText(event: TraceEvent): string {
	const {point, reason, source, sourceIdentity, destinationIdentity, ifindex} = event;
	const [way = '', place = ''] = point.split('-', 2);
	const arrow = way === 'from' ? '<-' : '->';
	const who = way === 'from' ? source : event.destinationEndpoint;
	const number = place === 'endpoint' ? ` ${who}` : '';
	const proxy = event.proxyPort === 0 ? '' : ` port ${event.proxyPort}`;
	const encrypted = event.encrypted ? ' encrypted' : '';
	return `${arrow} ${place}${number}${proxy} id ${sourceIdentity}->${destinationIdentity} ${reason}${encrypted} if ${ifindex}`;
}

function socketText({point, protocol, address, port, cookie, cgroup}: SocketEvent): string {
	const arrow = point.endsWith('-forward') ? '->' : '<-';
	const peer = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
	return `ss socket ${cookie} ${arrow} ${peer} ${protocol} ${point} cgroup ${cgroup}`;
}

function verdictText(event: PolicyVerdictEvent): string {
	const {verdict, direction, source, remoteIdentity, match, authType} = event;
	const proxy = event.proxyPort === 0 ? '' : ` to proxy ${event.proxyPort}`;
	const auth = authType === 'disabled' ? '' : ` auth ${authType}`;
	return `-- policy ${verdict}${proxy} ${direction} ep ${source} remote id ${remoteIdentity} match ${match}${auth}`;
}
