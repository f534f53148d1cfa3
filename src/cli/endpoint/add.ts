/** `skep endpoint add`. */

import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import {collect, wholeNumber} from '../arguments.js';
import {openMaps, withOwnRoot, type RootOptions} from '../datapath-options.js';
import {labelsOf} from '../identity/find.js';
import {example} from '../output/example.js';
import {outputOptions, printList, printOne} from '../output/print.js';
import {addressRows, rowOf} from './find.js';

export function addAdd(endpoint: Command): void {
	withOwnRoot(endpoint.command('add'))
		.description('guard an endpoint from now on, or bring it to what is given')
		.argument('<interface>', "the host's end of its veth pair: name or index")
		.requiredOption('--mac <address>', "MAC address of the endpoint's own end")
		.option('--ipv4 <address>', 'its address of IPv4')
		.option('--ipv6 <address>', 'its address of IPv6')
		.option('--identity <number>', 'number of its identity', wholeNumber('identity'))
		.option('--label <label>', 'a label of its identity, which is allocated', collect)
		.option('--id <number>', 'its id; the lowest free one unless given', wholeNumber('id', 1))
		.option('--netns <path>', 'namespace of the interface, if not this one')
		.option('--at-host', "its own end is in the host's namespace")
		.option('--no-attach', 'write its entries only')
		.addHelpText(
			'after',
			example(
				'skep endpoint add lxc1 --mac 02:00:00:00:00:01 --ipv4 10.0.0.5 --label app=web',
			),
		)
		.action(add);
}

interface AddOptions extends Pick<RootOptions, 'root'> {
	readonly mac: string;
	readonly ipv4?: string;
	readonly ipv6?: string;
	readonly identity?: number;
	readonly label?: readonly string[];
	readonly id?: number;
	readonly netns?: string;
	readonly atHost?: boolean;
	readonly attach: boolean;
}

async function add(name: string, options: AddOptions, command: Command): Promise<void> {
	const {root, identity: given, label, ...endpoint} = options;
	if ((given === undefined) === (label === undefined)) {
		throw new UsageError(`add endpoint "${name}": expected either --identity or --label`);
	}

	const {Endpoints, Policies} = await import('../../datapath/index.js');
	using maps = await openMaps({root}, {write: true});
	// Rules are about the identity before anybody has it.
	const allocated =
		label === undefined ? undefined : await new Policies(maps).allocate(labelsOf(label));
	const identity = allocated?.id ?? given ?? 0;
	const added = new Endpoints(maps).add({
		...endpoint,
		interface: /^\d+$/.test(name) ? Number(name) : name,
		identity,
	});
	const output = outputOptions(command);
	if (output.output === 'table') await printList(addressRows([added]), rowOf, output);
	else await printOne(added, output);
}
