/** `skep datapath up` and `upgrade`. */

import type {Command} from 'commander';

import {isThere, showStatus} from './show-status.js';
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
		.description('swap the programs under traffic; options as for up, all of them again')
		.addHelpText('after', example('skep datapath upgrade --gateway 10.0.0.1 --gateway fd00::1'))
		.action(upgrade);
}

async function up(options: NodeOptions, command: Command): Promise<void> {
	const {datapathStatus, datapathUp, Endpoints} = await import('../../datapath/index.js');
	await datapathUp(datapathOptions(options));
	const {root} = options;
	const addresses = nodeAddresses(options);
	if (addresses.length > 0) {
		using maps = await openMaps({root}, {write: true});
		new Endpoints(maps).setHost(addresses);
	}

	await showStatus(datapathStatus({root}), outputOptions(command));
}

/** Devices that are guarded stay so. *Throws:* `ERR_DATAPATH` where nothing is up. */
async function upgrade(options: NodeOptions, command: Command): Promise<void> {
	const {DatapathError, datapathStatus} = await import('../../datapath/index.js');
	const {root} = options;
	if (!isThere(root)) {
		throw new DatapathError('upgrade datapath', root, '"skep datapath up" brings one up first');
	}

	const guarded = datapathStatus({root})
		.hooks.filter(({kind, programId}) => kind === 'device' && programId !== 0)
		.map(({where}) => where);
	const device = [...new Set([...guarded, ...(options.device ?? [])])];
	await up({...options, device}, command);
}
