/** The verb `pin`, which programs, maps and links have in common. */

import type {Command} from 'commander';

import {example} from './output/example.js';

interface Pinnable extends Disposable {
	pin(path: string): void;
}

/** Adds it to a noun, whose things `open` finds by id or by another pin. */
export function addPinVerb(noun: Command, open: (text: string) => Promise<Pinnable>): void {
	const name = noun.name();
	noun.command('pin')
		.description('keep it alive by a path in a bpf filesystem; removing the path unpins it')
		.argument(`<${name}>`, 'id, or path of another pin')
		.argument('<path>', 'path of the pin')
		.addHelpText('after', example(`skep ${name} pin 42 /sys/fs/bpf/kept`))
		.action(async (text: string, path: string) => {
			using object = await open(text);
			object.pin(path);
		});
}
