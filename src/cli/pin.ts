/** `skep pin`: what is pinned where. */

import type {Command} from 'commander';

import type {PinDetails} from '../index.js';
import {example} from './output/example.js';
import {outputOptions, printList, write} from './output/print.js';

export function addPinVerbs(pin: Command): void {
	pin.command('list')
		.description('every pin, with what it keeps alive, and whether that still serves')
		.argument('[dir]', 'folder; every bpf filesystem unless given')
		.option('--dead', 'only those whose target is gone, or that an upgrade left over')
		.addHelpText('after', example('skep pin list /sys/fs/bpf/lb'))
		.action(list);

	pin.command('tree')
		.description('the same as a tree of folders')
		.argument('[dir]', 'folder; every bpf filesystem unless given')
		.addHelpText('after', example('skep pin tree'))
		.action(tree);
}

async function find(root: string | undefined): Promise<PinDetails[]> {
	const {describePins} = await import('../index.js');
	return [...describePins(root)].sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function list(
	root: string | undefined,
	options: {readonly dead?: boolean},
	command: Command,
): Promise<void> {
	const pins = await find(root);
	await printList(
		options.dead === true ? pins.filter(each => each.dead !== undefined) : pins,
		({kind, id, name, type, dead, path}) => ({
			kind,
			id,
			type,
			name: name === '' ? '-' : name,
			dead: dead ?? '-',
			path,
		}),
		outputOptions(command),
	);
}

async function tree(root: string | undefined, _: unknown, command: Command): Promise<void> {
	const pins = await find(root);
	const options = outputOptions(command);
	if (options.output !== 'table') {
		await printList(pins, () => ({}), options);
		return;
	}

	let before: readonly string[] = [];
	for (const pin of pins) {
		const folders = pin.path.split('/');
		const file = folders.pop() ?? '';
		let common = 0;
		while (common < folders.length && folders[common] === before[common]) common++;
		for (let depth = Math.max(common, 1); depth < folders.length; depth++) {
			write(`${'  '.repeat(depth - 1)}${depth === 1 ? '/' : ''}${folders[depth] ?? ''}/\n`);
		}

		before = folders;
		const name = pin.name === '' || pin.name === file ? '' : ` "${pin.name}"`;
		const dead = pin.dead === undefined ? '' : `, ${pin.dead}`;
		const indent = '  '.repeat(folders.length - 1);
		write(`${indent}${file}  ${pin.kind} ${pin.id} ${pin.type}${name}${dead}\n`);
	}
}
