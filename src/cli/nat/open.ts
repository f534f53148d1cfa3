/** What the verbs of `skep nat` have in common: whose translations, and which of them. */

import {Option, type Command} from 'commander';

import type {DatapathMaps, NatFilter, OpenNat} from '../../datapath/index.js';
import {portNumber} from '../arguments.js';
import {
	openMaps,
	warnOfLayout,
	withClock,
	withRoot,
	type ClockOptions,
	type RootOptions,
} from '../datapath-options.js';

/** Whose translations. */
export type NatOptions = RootOptions & ClockOptions;

/** Which translations. */
export interface FilterOptions {
	readonly address?: string;
	readonly src?: string;
	readonly dst?: string;
	readonly port?: number;
	readonly proto?: string;
	readonly dir?: 'in' | 'out';
}

/** The options that say whose translations. */
export function withNat(command: Command): Command {
	return withClock(withRoot(command));
}

/** The options that say which translations; all of them have to hold. */
export function withFilter(command: Command): Command {
	return command
		.option('--address <prefix>', 'of either end, or what it becomes')
		.option('--src <prefix>', "of the packet's source")
		.option('--dst <prefix>', "of the packet's destination")
		.option('--port <n>', 'of either end', portNumber)
		.option('--proto <name>', 'tcp, udp, sctp, icmp, icmpv6 or a number')
		.addOption(new Option('--dir <direction>', "the packet's").choices(['in', 'out']));
}

export function filterOf({address, src, dst, port, proto, dir}: FilterOptions): NatFilter {
	return {
		...(address === undefined ? {} : {address}),
		...(src === undefined ? {} : {source: src}),
		...(dst === undefined ? {} : {destination: dst}),
		...(port === undefined ? {} : {port}),
		...(proto === undefined ? {} : {protocol: proto}),
		...(dir === undefined ? {} : {direction: dir}),
	};
}

/** Opens what the options name, for reading unless `write` is set; the caller closes both. */
export async function openTranslations(
	options: NatOptions,
	{write = false}: {readonly write?: boolean} = {},
): Promise<{maps: DatapathMaps; nat: OpenNat}> {
	const {openNat} = await import('../../datapath/index.js');
	const maps = await openMaps(options, {write});
	try {
		for (const map of [maps.nat4, maps.nat6]) if (map !== undefined) warnOfLayout(map);
		return {maps, nat: await openNat(maps, {clock: options.clock})};
	} catch (error) {
		maps.close();
		throw error;
	}
}
