import type {Command} from 'commander';

import type {EndpointPolicy, PolicyMapEntry} from '../../datapath/index.js';
import {wholeNumber} from '../arguments.js';
import {ciliumOptions, openMaps, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne, write} from '../output/print.js';
import {writeTable} from '../output/stream-table.js';
import type {Row} from '../output/table.js';
import {authText, enforcementText, identityText, portText, titleCase} from './words.js';

export function addGet(policy: Command): void {
	withRoot(policy.command('get'))
		.description('rules of an endpoint as its map has them, and what they decided')
		.argument('<endpoint>', 'id of the endpoint', wholeNumber('endpoint'))
		.addHelpText('after', example(`skep policy get 11 ${ciliumOptions}`))
		.action(get);
}

async function get(endpoint: number, options: RootOptions, command: Command): Promise<void> {
	const {DatapathError, Policies} = await import('../../datapath/index.js');
	using maps = await openMaps(options);
	const policy = new Policies(maps).get(endpoint);
	if (policy === undefined) {
		throw new DatapathError('read policy', `endpoint ${endpoint}`, 'it has none');
	}

	const output = outputOptions(command);
	if (output.output === 'table') writePolicy(policy);
	else await printOne(policy, output);
}

function writePolicy({endpointId, enforcement, revision, entries}: EndpointPolicy): void {
	if (revision !== undefined) {
		const ingress = enforcementText(enforcement, 'ingress');
		const egress = enforcementText(enforcement, 'egress');
		write(
			`endpoint ${endpointId}: ingress ${ingress}, egress ${egress}, revision ${revision}\n`,
		);
	}

	writeTable(rowsOf(entries));
}

/** Columns that say the same of every entry are left out, where that is what rules have by default. */
export function rowsOf(entries: readonly PolicyMapEntry[]): Row[] {
	const hasAuth = entries.some(({auth}) => auth !== 0);
	const hasPrecedence = entries.some(entry => isUnusual(entry));
	const hasCookie = entries.some(({cookie = 0}) => cookie !== 0);
	return entries.map(entry => ({
		policy: titleCase(entry.action),
		direction: titleCase(entry.direction),
		identity: identityText(entry.identity),
		'port/proto': portText(entry),
		'proxy port': entry.proxyPort === 0 ? 'NONE' : entry.proxyPort,
		...(hasAuth && {'auth type': authText(entry.auth)}),
		bytes: entry.bytes ?? '-',
		packets: entry.packets ?? '-',
		prefix: entry.prefix,
		...(hasPrecedence && {precedence: entry.precedence ?? '-'}),
		...(hasCookie && {cookie: entry.cookie ?? '-'}),
	}));
}

function isUnusual({action, precedence}: PolicyMapEntry): boolean {
	return precedence !== undefined && precedence !== (action === 'deny' ? 0xffff_ffff : 0);
}
