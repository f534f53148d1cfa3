import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import type {
	PolicyTrace,
	PolicyProtocol,
	TraceEnd,
	TraceRequest,
	TraceSide,
	TraceTarget,
} from '../../datapath/index.js';
import {reservedIdentities} from '../../datapath/index.js';
import {portNumber, wholeNumber} from '../arguments.js';
import {openMaps, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne, writeLines} from '../output/print.js';
import {formatTable} from '../output/table.js';
import {rowsOf} from './get.js';
import {identityText, protocolText, titleCase} from './words.js';

interface TraceOptions extends RootOptions {
	readonly src: TraceTarget;
	readonly dst: TraceTarget;
	readonly dport?: Pick<TraceRequest, 'protocol' | 'dport' | 'icmpType'>;
	readonly sport?: number;
}

const help = `
An end of the flow is an address, endpoint:ID, or identity:NUMBER for whom no
address is known; identity:NAME for a reserved one. With --sport conntrack is
asked, too: it knows the flow by both its ports.
`;

export function addTrace(policy: Command): void {
	withRoot(policy.command('trace'))
		.description('which rules decide about a packet, and why, from the maps')
		.requiredOption('--src <end>', 'where it comes from', targetOf)
		.requiredOption('--dst <end>', 'where it goes', targetOf)
		.option('--dport <port/proto>', '80/tcp, 53/udp, 8/icmp, tcp', portOf)
		.option('--sport <port>', 'of the source; of ICMP echoes the id', portNumber)
		.addHelpText(
			'after',
			help +
				example('skep policy trace --src 10.0.0.1 --dst 10.0.1.1 --dport 80/tcp') +
				'\n  skep policy trace --src endpoint:11 --dst identity:world --dport 443/tcp',
		)
		.action(trace);
}

function targetOf(text: string): TraceTarget {
	const [, kind, value = ''] = /^(endpoint|identity):(.+)$/.exec(text) ?? [];
	if (kind === undefined) {
		if (/[.:]/.test(text)) return text;
		throw new UsageError(
			`read end "${text}": expected an address, endpoint:ID or identity:NUMBER`,
		);
	}

	if (kind === 'endpoint') return {endpoint: wholeNumber('endpoint')(value)};
	const isName = Object.hasOwn(reservedIdentities, value);
	if (isName) return {identity: reservedIdentities[value as keyof typeof reservedIdentities]};
	return {identity: wholeNumber('identity')(value)};
}

function portOf(text: string): NonNullable<TraceOptions['dport']> {
	const [, number, name] = /^(?:(\d+)(?:\/|$))?([a-z]\w*)?$/i.exec(text) ?? [];
	if (number === undefined && name === undefined) {
		throw new UsageError(`read port "${text}": expected one like 80/tcp, 8/icmp or udp`);
	}

	const protocol = (name?.toLowerCase() ?? 'tcp') as PolicyProtocol;
	if (number === undefined) return {protocol};
	const isIcmp = protocol.startsWith('icmp');
	return {protocol, ...(isIcmp ? {icmpType: Number(number)} : {dport: Number(number)})};
}

async function trace(
	{src, dst, dport, sport, ...options}: TraceOptions,
	command: Command,
): Promise<void> {
	const {tracePolicy} = await import('../../datapath/index.js');
	using maps = await openMaps(options);
	const found = tracePolicy(maps, {src, dst, ...dport, ...(sport === undefined ? {} : {sport})});
	const output = outputOptions(command);
	if (output.output === 'table') writeLines(linesOf(found));
	else await printOne(found, output);
}

function* linesOf({
	source,
	destination,
	protocol,
	dport,
	sides,
	verdict,
}: PolicyTrace): Generator<string> {
	yield `from  ${endText(source)}`;
	yield `to    ${endText(destination)}, ${dport}/${protocolText(protocol)}`;
	for (const side of sides) {
		yield '';
		yield* sideLines(side);
	}

	yield '';
	if (verdict === 'unknown') yield 'neither end is an endpoint of this node: no rule is asked';
	else yield `verdict: ${verdict}`;
}

const sources = {
	endpoints: 'by the endpoints',
	ipcache: 'by the ipcache',
	world: 'since nothing knows the address',
	given: 'as given',
} as const;

function endText({address, identity, by, endpoint, host}: TraceEnd): string {
	const place = host ? 'the host' : endpoint === undefined ? undefined : `endpoint ${endpoint}`;
	const names = [address, place, `identity ${identityText(identity)} ${sources[by]}`];
	return names.filter(name => name !== undefined).join(', ');
}

function* sideLines(side: TraceSide): Generator<string> {
	const {direction, endpoint, enforced, audit, entries, chosen, why, flow} = side;
	const state = enforced ? (audit ? 'audited' : 'enforced') : 'not enforced';
	yield `${titleCase(direction)} of endpoint ${endpoint} (${state}): ${outcome(side)}`;
	const both = [entries.peer, entries.anybody].filter(entry => entry !== undefined);
	const table = formatTable(rowsOf(both)).split('\n').slice(0, -1);
	const marks = both.map(entry => entry === entries[chosen === 'none' ? 'peer' : chosen]);
	for (const [i, line] of table.entries()) {
		yield `  ${i > 0 && marks[i - 1] === true ? '>' : ' '} ${line}`;
	}

	yield `  ${chosen === 'none' ? why : `the entry for ${chosen === 'peer' ? 'the peer' : 'anybody'} decides: ${why}`}`;
	if (flow !== undefined) {
		const effect = flow.passes ? 'the rules are not asked' : 'the rules decide';
		yield `  conntrack knows it as ${flow.status}: ${flow.why}; ${effect}`;
	}
}

const denials: Readonly<Record<number, string>> = {
	133: 'Policy denied',
	181: 'Policy denied by denylist',
	189: 'Authentication required',
};

function outcome({passes, reason, proxyPort, flow}: TraceSide): string {
	const why = reason === undefined ? '' : ` (${denials[reason] ?? reason})`;
	if (!passes) return `denied${why}`;
	if (reason !== undefined) return `allowed, and told as denied${why}`;
	if (flow?.passes === true) return 'allowed by conntrack';
	return proxyPort === 0 ? 'allowed' : `allowed by way of the proxy at port ${proxyPort}`;
}
