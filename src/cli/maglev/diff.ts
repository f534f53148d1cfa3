/** `skep maglev diff`. */

import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import type {MaglevBackend} from '../../datapath/index.js';
import {collect} from '../arguments.js';
import {withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';
import {findService, openForReading} from '../service/open.js';
import {readBackend} from '../service/words.js';
import {tableOf, withTable, type TableChoice} from './table.js';

export function addDiff(maglev: Command): void {
	withTable(withRoot(maglev.command('diff')))
		.description('which part of the flows a change of backends would move')
		.argument('<service>', 'its frontend, or its number')
		.option('--add <backend>', 'one more; with a weight: 10.1.0.9:80=50', collect)
		.option('--remove <backend>', 'one less', collect)
		.addHelpText('after', example('skep maglev diff 10.96.0.1:80 --remove 10.1.0.1:8080'))
		.action(diff);
}

interface DiffOptions extends RootOptions, TableChoice {
	readonly add?: readonly string[];
	readonly remove?: readonly string[];
}

async function diff(text: string, options: DiffOptions, command: Command): Promise<void> {
	const {add = [], remove = []} = options;
	if (add.length + remove.length === 0) {
		throw new UsageError('compare Maglev tables: expected --add or --remove');
	}

	const {maglevDiff, maglevTable} = await import('../../datapath/index.js');
	const {maps, services} = await openForReading(options);
	using _maps = maps;
	const service = await findService('compare Maglev tables', text, services);
	const before = await tableOf(maps, service, options);
	const {protocol} = service.frontend;
	const next: MaglevBackend[] = [...before.backends];
	for (const each of remove) {
		const {address, port} = readBackend(each);
		const at = next.findIndex(one => one.address === address && one.port === port);
		if (at < 0) throw new UsageError(`compare Maglev tables: there is no backend ${each}`);
		next.splice(at, 1);
	}

	let id = Math.max(0, ...next.map(each => each.id ?? 0));
	for (const each of add) {
		const [place = '', weight] = each.split('=');
		const {address, port} = readBackend(place);
		const weighted = weight === undefined ? {} : {weight: Number(weight)};
		next.push({address, port, protocol, ...weighted, id: ++id});
	}

	const {seed} = options;
	const size = before.ids.length;
	const after = await maglevTable(next, {size, ...(seed === undefined ? {} : {seed})});
	const change = maglevDiff(before, after);
	const output = outputOptions(command);
	if (output.output !== 'table') {
		await printOne(change, output);
		return;
	}

	const part = (places: number): string =>
		`${places} of ${size} places, ${((places / size) * 100).toFixed(2)} %`;
	await printOne(
		{
			moved: part(change.moved),
			ideal: part(change.ideal),
			excess: `${(change.excess * 100).toFixed(2)} %`,
		},
		output,
	);
}
