/** What the verbs that change services have in common: how this node spreads flows. */

import {Option, type Command} from 'commander';

import type {DatapathMaps, Service, Services} from '../../datapath/index.js';
import {wholeNumber} from '../arguments.js';
import {
	openMaps,
	requireMap,
	requireOwn,
	warnOfLayout,
	withRoot,
	type RootOptions,
} from '../datapath-options.js';
import {readFrontend} from './words.js';

/** How this node spreads flows. */
export interface NodeOptions extends RootOptions {
	readonly nodeAlgorithm?: 'random' | 'maglev';
	readonly tableSize?: number;
	readonly seed?: string;
	readonly force?: boolean;
}

export function withNode(command: Command): Command {
	return withRoot(command)
		.addOption(
			new Option(
				'--node-algorithm <name>',
				'what services without their own are spread by',
			).choices(['random', 'maglev']),
		)
		.option('--table-size <n>', 'places of a Maglev table', wholeNumber('table size', 1))
		.option('--seed <base64>', 'of Maglev tables; as on all nodes')
		.option('--force', "also where another datapath's agent keeps services");
}

/** Opens services for a change; the caller closes the maps. *Throws:* `ERR_USAGE`, `ERR_DATAPATH`. */
export async function openForChange(
	action: string,
	options: NodeOptions,
): Promise<{maps: DatapathMaps; services: Services}> {
	requireOwn(action, options, options.force);
	const {Services} = await import('../../datapath/index.js');
	const {nodeAlgorithm: algorithm, tableSize: size, seed} = options;
	const maps = await openMaps(options, {write: true});
	try {
		await requireMap(maps.services4 ?? maps.services6, maps, 'lb4_services_v2');
		const services = new Services(maps, {
			...(algorithm === undefined ? {} : {algorithm}),
			...(size === undefined ? {} : {size}),
			...(seed === undefined ? {} : {seed}),
		});
		return {maps, services};
	} catch (error) {
		maps.close();
		throw error;
	}
}

/** Opens services for reading; the caller closes the maps. *Throws:* `ERR_DATAPATH`. */
export async function openForReading(
	options: RootOptions,
): Promise<{maps: DatapathMaps; services: Services}> {
	const {Services} = await import('../../datapath/index.js');
	const maps = await openMaps(options);
	try {
		for (const map of [maps.services4, maps.services6, maps.backends4, maps.backends6]) {
			if (map !== undefined) warnOfLayout(map);
		}

		await requireMap(maps.services4 ?? maps.services6, maps, 'lb4_services_v2');
		return {maps, services: new Services(maps)};
	} catch (error) {
		maps.close();
		throw error;
	}
}

/** The service of a frontend or of a number. *Throws:* `ERR_DATAPATH`, `ERR_USAGE`. */
export async function findService(
	action: string,
	text: string,
	services: Services,
): Promise<Service> {
	const {DatapathError} = await import('../../datapath/index.js');
	const isId = /^\d+$/.test(text);
	const found = isId
		? services.list().find(({id}) => id === Number(text))
		: services.get(readFrontend(text));
	if (found !== undefined) return found;
	throw new DatapathError(action, text, 'there is no such service; skep service list');
}
