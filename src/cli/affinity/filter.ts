/** Which clients. */

import type {Command} from 'commander';

import type {AffinityFilter} from '../../datapath/index.js';
import {wholeNumber} from '../arguments.js';

export interface FilterOptions {
	readonly service?: number;
	readonly client?: string;
}

export function withFilter(command: Command): Command {
	return command
		.option('--service <n>', 'of the service of that number', wholeNumber('service', 1))
		.option('--client <client>', 'address, or cookie=N of a network namespace');
}

export function filterOf({service, client}: FilterOptions): AffinityFilter {
	const [, cookie] = /^cookie=(\d+)$/.exec(client ?? '') ?? [];
	return {
		...(service === undefined ? {} : {service}),
		...(client === undefined ? {} : {client: cookie === undefined ? client : BigInt(cookie)}),
	};
}
