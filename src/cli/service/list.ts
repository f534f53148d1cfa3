/** `skep service list`. */

import type {Command} from 'commander';

import type {Service} from '../../datapath/index.js';
import {
	ciliumOptions,
	layoutText,
	printRecords,
	withRoot,
	type RootOptions,
} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions} from '../output/print.js';
import type {Row} from '../output/table.js';
import {watchList, withWatch, type WatchOptions} from '../watch-list.js';
import {openForReading} from './open.js';
import {backendText, frontendText, nowhere, placeText, serviceRows} from './words.js';

export function addList(service: Command): void {
	withWatch(withRoot(service.command('list')))
		.description('services and their backends')
		.option('--slots', 'each slot on its line, as "cilium-dbg bpf lb list" does')
		.option('--source-ranges', 'clients that may use services, or that may not')
		.addHelpText(
			'after',
			example(`skep service list --slots\n  skep service list ${ciliumOptions}`),
		)
		.action(list);
}

interface ListOptions extends RootOptions, WatchOptions {
	readonly slots?: boolean;
	readonly sourceRanges?: boolean;
}

async function list(options: ListOptions, command: Command): Promise<void> {
	const output = outputOptions(command);
	const {maps, services} = await openForReading(options);
	using _maps = maps;
	const first = services.list();
	const found = maps.services4 ?? maps.services6;
	const layout = found && layoutText(found, options);
	if (output.output === 'table') {
		const rows = first.flatMap(
			options.sourceRanges === true
				? rangeRows
				: options.slots === true
					? slotRows
					: serviceRows,
		);
		await printRecords(rows, row => row, layout, output);
	} else {
		await printRecords(first, ({id}) => ({id}), layout, output);
	}

	if (options.watch !== true) return;
	const shown = {
		key: frontendText,
		line: (each: Service) =>
			`${frontendText(each)} ${each.id} [${each.flags.join(', ')}] ${each.backends.map(backendText).join(', ')}`,
	};
	await watchList(first, () => services.list(), shown, options, output);
}

/** Slot 0 leads nowhere and says what the service is. */
function slotRows(service: Service): Row[] {
	const {id, flags, backends} = service;
	const frontend = frontendText(service);
	const row = (slot: number, text: string): Row => ({
		'service address': `${frontend} (${slot})`,
		'backend address (revnat_id) (slot)': text,
	});
	return [
		row(0, `${nowhere(service)} (${id}) (0) [${flags.join(', ')}]`),
		...backends.map(backend => {
			const quarantined = backend.quarantined ? ' [quarantined]' : '';
			return row(
				backend.slot,
				`${placeText(backend)} (${id}) (${backend.slot})${quarantined}`,
			);
		}),
	];
}

function rangeRows({id, sourceRanges}: Service): Row[] {
	const {allow, deny} = sourceRanges ?? {};
	return (allow ?? deny ?? []).map(prefix => ({
		'source range (revnat_id)': `${prefix} (${id})`,
		clients: allow === undefined ? 'deny' : 'allow',
	}));
}
