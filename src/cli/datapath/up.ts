/** `skep datapath up` and `upgrade`. */

import type {Command} from 'commander';

import {showStatus} from './show-status.js';
import {openMaps, withOwnRoot} from '../datapath-options.js';
import {outputOptions} from '../output/print.js';
import {example} from '../output/example.js';
import {datapathOptions, nodeAddresses, withNode, type NodeOptions} from './node-options.js';

export function addUp(datapath: Command): void {
	withNode(withOwnRoot(datapath.command('up')))
		.description('bring the datapath up, or to what the options say; it survives this')
		.addHelpText(
			'after',
			example('skep datapath up --device eth0 --gateway 10.0.0.1 --gateway fd00::1'),
		)
		.action(up);

	withNode(withOwnRoot(datapath.command('upgrade')))
		.description('swap the programs under traffic; what is not given stays as it is')
		.addHelpText('after', example('skep datapath upgrade --mtu 9000 --no-masquerade'))
		.action(upgrade);
}

async function up(options: NodeOptions, command: Command): Promise<void> {
	const {datapathUp} = await import('../../datapath/index.js');
	await datapathUp(datapathOptions(options));
	await finish(options, nodeAddresses(options), command);
}

async function upgrade(options: NodeOptions, command: Command): Promise<void> {
	const {DatapathError, datapathStatus, datapathUpgrade, Endpoints} =
		await import('../../datapath/index.js');
	const {root} = options;
	const {settings: kept} = datapathStatus({root});
	if (kept === undefined) {
		throw new DatapathError('upgrade datapath', root, '"skep datapath up" brings one up first');
	}

	const given = datapathOptions(options, kept);
	await datapathUpgrade(given);
	using maps = await openMaps({root});
	const known = new Endpoints(maps).list().find(({host}) => host)?.addresses ?? [];
	const replaced = (['ipv4', 'ipv6'] as const).flatMap(family =>
		given.gateway?.[family] === undefined ? [] : [kept.gateway?.[family]],
	);
	const stay = known.filter(address => !replaced.includes(address));
	const own = nodeAddresses(options, kept.netns !== undefined);
	await finish(options, [...new Set([...stay, ...own])], command);
}

/** Tells the programs the node's addresses, and the user what there is. */
async function finish(
	{root}: NodeOptions,
	addresses: readonly string[],
	command: Command,
): Promise<void> {
	const {datapathStatus, Endpoints} = await import('../../datapath/index.js');
	if (addresses.length > 0) {
		using maps = await openMaps({root}, {write: true});
		new Endpoints(maps).setHost(addresses);
	}

	await showStatus(datapathStatus({root}), outputOptions(command));
}
