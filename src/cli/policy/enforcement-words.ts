/** What the command line says of enforcement. */

import {Option, type Command} from 'commander';

import type {EnforcementOptions} from '../../datapath/index.js';

const choices = ['both', 'ingress', 'egress', 'none'] as const;

export interface EnforcementWords {
	readonly enforce?: (typeof choices)[number];
	readonly audit?: boolean;
}

/** Adds `--enforce` and `--audit`; what is not given stays as it is. */
export function withEnforcement(command: Command): Command {
	return command
		.addOption(
			new Option('--enforce <directions>', 'in which the rules count').choices([...choices]),
		)
		.option('--audit', 'what is denied is told and passes')
		.option('--no-audit', 'what is denied is dropped');
}

export function enforcementOptions({enforce, audit}: EnforcementWords): EnforcementOptions {
	const has = (direction: string): boolean => enforce === 'both' || enforce === direction;
	return {
		...(enforce !== undefined && {
			enforce: {ingress: has('ingress'), egress: has('egress')},
		}),
		...(audit !== undefined && {audit}),
	};
}
