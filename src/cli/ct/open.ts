/** What the verbs of `skep ct` have in common: whose flows, and which of them. */

import {Option, type Command} from 'commander';

import type {DatapathMaps, FlowFilter, OpenConntrack} from '../../datapath/index.js';
import {UsageError} from '../../base/errors.js';
import {portNumber, wholeNumber} from '../arguments.js';
import {
	openMaps,
	warnOfLayout,
	withClock,
	withRoot,
	type ClockOptions,
	type RootOptions,
} from '../datapath-options.js';

/** Whose flows. */
export type CtOptions = RootOptions & ClockOptions;

/** Which flows. */
export interface FilterOptions {
	readonly address?: string;
	readonly src?: string;
	readonly dst?: string;
	readonly port?: number;
	readonly proto?: string;
	readonly dir?: NonNullable<FlowFilter['direction']>;
	readonly state?: NonNullable<FlowFilter['state']>;
	readonly identity?: number;
}

/** The options that say whose flows. */
export function withConntrack(command: Command): Command {
	return withClock(withRoot(command));
}

/** The options that say which flows; all of them have to hold. */
export function withFilter(command: Command): Command {
	return command
		.option('--address <prefix>', 'of either end')
		.option('--src <prefix>', 'of who opened the flow')
		.option('--dst <prefix>', 'of whom it was opened to')
		.option('--port <n>', 'of either end', portNumber)
		.option('--proto <name>', 'tcp, udp, sctp, icmp, icmpv6 or a number')
		.addOption(
			new Option('--dir <direction>', 'opened to or by an endpoint, or of a service').choices(
				['in', 'out', 'service'],
			),
		)
		.addOption(
			new Option('--state <state>', 'how far it is').choices([
				...['opening', 'established', 'closing', 'closed', 'unreplied', 'replied'],
			]),
		)
		.option('--identity <n>', "the source's", wholeNumber('identity'));
}

export function filterOf(options: FilterOptions): FlowFilter {
	const {address, src, dst, port, proto, dir, state, identity} = options;
	return {
		...(address === undefined ? {} : {address}),
		...(src === undefined ? {} : {source: src}),
		...(dst === undefined ? {} : {destination: dst}),
		...(port === undefined ? {} : {port}),
		...(proto === undefined ? {} : {protocol: proto}),
		...(dir === undefined ? {} : {direction: dir}),
		...(state === undefined ? {} : {state}),
		...(identity === undefined ? {} : {identity}),
	};
}

/** Opens the flows that the options name, for reading unless `write` is set; the caller closes both. */
export async function openFlows(
	options: CtOptions,
	{write = false}: {readonly write?: boolean} = {},
): Promise<{maps: DatapathMaps; conntrack: OpenConntrack}> {
	const {openConntrack} = await import('../../datapath/index.js');
	const maps = await openMaps(options, {write});
	try {
		for (const map of [maps.ctTcp4, maps.ctAny4, maps.ctTcp6, maps.ctAny6]) {
			if (map !== undefined) warnOfLayout(map);
		}

		return {maps, conntrack: await openConntrack(maps, {clock: options.clock})};
	} catch (error) {
		maps.close();
		throw error;
	}
}

/** `10.0.0.1:80`, `[fd00::1]:80`; no port is port 0. *Throws:* `ERR_USAGE`. */
export function readEnd(text: string): {address: string; port: number} {
	const [, inside, four, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
	const address = inside ?? four ?? (text.includes(':') ? text : '');
	const port = Number(digits ?? 0);
	if (address !== '' && port < 65_536) return {address, port};
	throw new UsageError(`read end of flow "${text}": expected 10.0.0.1:80 or [fd00::1]:80`);
}
