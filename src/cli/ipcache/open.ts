/** The ipcache as the command line shows it. */

import {formatPrefix, parsePrefix} from '../../base/address.js';
import {UsageError} from '../../base/errors.js';
import type {DatapathMaps, IpcacheEntry} from '../../datapath/index.js';
import {layoutText, requireMap, type RootOptions} from '../datapath-options.js';
import {printOne, type OutputOptions} from '../output/print.js';
import type {Row} from '../output/table.js';

export function rowOf({prefix, identity, encryptKey, tunnelEndpoint}: IpcacheEntry): Row {
	return {
		'ip prefix/address': prefix,
		identity,
		encryptkey: encryptKey ?? 0,
		tunnelendpoint: tunnelEndpoint ?? '-',
	};
}

/** An address or a prefix, in the one way the maps write it. *Throws:* `ERR_USAGE`. */
export function canonicalPrefix(action: string, text: string): string {
	try {
		return formatPrefix(parsePrefix(text));
	} catch (error) {
		throw new UsageError(`${action} "${text}": ${(error as Error).message}`, {cause: error});
	}
}

/** IPv4 before IPv6, by address, shorter prefixes first. */
export function sorted(entries: Iterable<IpcacheEntry>): IpcacheEntry[] {
	return [...entries]
		.map(entry => {
			const {address, length} = parsePrefix(entry.prefix);
			return {entry, length, bytes: Buffer.from(address)};
		})
		.toSorted(
			(a, b) =>
				a.bytes.length - b.bytes.length || a.bytes.compare(b.bytes) || a.length - b.length,
		)
		.map(({entry}) => entry);
}

/** Prints what was found for an address or a prefix. *Throws:* `ERR_DATAPATH`. */
export async function printFound(
	action: string,
	text: string,
	find: (prefix: string) => IpcacheEntry | undefined,
	maps: DatapathMaps,
	options: RootOptions,
	output: OutputOptions,
): Promise<void> {
	const {DatapathError} = await import('../../datapath/index.js');
	const found = find(canonicalPrefix(action, text));
	if (found === undefined) throw new DatapathError(action, text, 'no prefix covers it');
	const layout = layoutText(await requireMap(maps.ipcache, maps, 'ipcache'), options);
	await printOne({...found, ...(layout === undefined ? {} : {layout})}, output);
}
