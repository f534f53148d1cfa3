/** `skep ct get`. */

import type {Command} from 'commander';

import type {FlowDirection} from '../../datapath/index.js';
import {example} from '../output/example.js';
import {outputOptions, printList, writeLines} from '../output/print.js';
import {openFlows, readEnd, withConntrack, type CtOptions} from './open.js';
import {longText, rowOf} from './show.js';

export function addGet(ct: Command): void {
	withConntrack(ct.command('get'))
		.description('the entries of one flow, whoever entered it')
		.argument('<proto>', 'tcp, udp, sctp, icmp, icmpv6 or a number')
		.argument('<src>', 'who opened it: 10.0.0.1:40000 or [fd00::1]:40000')
		.argument('<dst>', 'likewise; ICMP echo has its id as port of the source')
		.addHelpText('after', example('skep ct get tcp 10.0.0.1:40000 10.0.0.2:80 -o json'))
		.action(get);
}

const directions: readonly FlowDirection[] = ['out', 'in', 'service'];

async function get(
	protocol: string,
	from: string,
	to: string,
	options: CtOptions,
	command: Command,
): Promise<void> {
	const output = outputOptions(command);
	const [source, destination] = [readEnd(from), readEnd(to)];
	const {maps, conntrack} = await openFlows(options);
	using _maps = maps;
	using _conntrack = conntrack;
	const found = directions.flatMap(
		direction =>
			conntrack.get({
				protocol,
				direction,
				source: source.address,
				sourcePort: source.port,
				destination: destination.address,
				destinationPort: destination.port,
			}) ?? [],
	);
	if (found.length === 0) {
		process.stderr.write('skep: there is no such flow\n');
		process.exitCode = 1;
	} else if (output.output === 'table') {
		writeLines(found.map(longText));
	} else {
		await printList(found, rowOf, output);
	}
}
