/** `skep link update`. */

import type {Command} from 'commander';

import {example} from '../output/example.js';
import {openProgram} from '../prog/open.js';
import {openLink} from './open.js';

export function addUpdate(link: Command): void {
	link.command('update')
		.description('give a link another program: every packet meets the old or the new one')
		.argument('<link>', 'id, or path of a pin')
		.argument('<prog>', 'id, or path of a pin')
		.option('--expect <prog>', 'only while it has this program')
		.addHelpText(
			'after',
			example('skep link update /sys/fs/bpf/lb/link /sys/fs/bpf/lb2/entry --expect 42'),
		)
		.action(update);
}

async function update(text: string, prog: string, {expect}: {expect?: string}): Promise<void> {
	using link = await openLink(text);
	using program = await openProgram(prog);
	if (expect === undefined) {
		link.update(program);
	} else {
		using expected = await openProgram(expect);
		link.update(program, {expected});
	}
}
