/** The table of a service: the one that it has, or the one that it would have. */

import type {Command} from 'commander';

import type {DatapathMaps, MaglevTable, Service} from '../../datapath/index.js';
import {wholeNumber} from '../arguments.js';

/** How a table would be made. */
export interface TableChoice {
	readonly size?: number;
	readonly seed?: string;
}

export function withTable(command: Command): Command {
	return command
		.option('--size <n>', 'places, of a service that has no table', wholeNumber('size', 1))
		.option('--seed <base64>', 'of the tables, as on all nodes');
}

/** *Throws:* `ERR_USAGE` for a service that no backend takes flows of. */
export async function tableOf(
	maps: DatapathMaps,
	service: Service,
	{size, seed}: TableChoice,
): Promise<MaglevTable> {
	const {maglevTable, readMaglevTable} = await import('../../datapath/index.js');
	const present = readMaglevTable(maps, service);
	if (present !== undefined) return present;
	const open = service.backends.filter(({quarantined}) => !quarantined);
	return maglevTable(
		open.map(({id, address, port, protocol, weight}) => ({
			id,
			address,
			port,
			protocol,
			weight,
		})),
		{...(size === undefined ? {} : {size}), ...(seed === undefined ? {} : {seed})},
	);
}
