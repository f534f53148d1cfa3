/** `skep btf diff`. */

import type {Command} from 'commander';

import type {PartState, TypeChange} from '../../index.js';
import {example} from '../output/example.js';
import {outputOptions, printList, writeLines} from '../output/print.js';
import {openTypes, sourceHelp} from './open.js';

export function addDiff(btf: Command): void {
	btf.command('diff')
		.description('what changed between two sets of types; exit code 1 where something did')
		.argument('<before>', sourceHelp)
		.argument('<after>', sourceHelp)
		.option('--name <type>', 'only types of this name')
		.addHelpText('after', example('skep btf diff old/lb.bpf.o lb.bpf.o --name flow_key'))
		.action(diff);
}

async function diff(
	before: string,
	after: string,
	options: {name?: string},
	command: Command,
): Promise<void> {
	const {diffTypes} = await import('../../index.js');
	const changes = diffTypes(await openTypes(before), await openTypes(after), options);
	const counted = (function* () {
		for (const change of changes) {
			process.exitCode = 1;
			yield change;
		}
	})();
	const output = outputOptions(command);
	if (output.output === 'table') writeLines(linesOf(counted));
	else await printList(counted, () => ({}), output);
}

const signs = {added: '+', removed: '-', changed: '~'} as const;

function* linesOf(changes: Iterable<TypeChange>): Generator<string> {
	for (const {how, kind, name, sizeBefore, sizeAfter, parts} of changes) {
		const sizes = [...new Set([sizeBefore, sizeAfter])].filter(size => size !== undefined);
		const size = sizes.length === 0 ? '' : `, ${sizes.join(' → ')} bytes`;
		yield `${signs[how]} ${kind} ${name}${size}`;
		for (const part of parts) {
			const states = [part.before, part.after].filter(state => state !== undefined);
			const [first = '', second] = states.map(state => stateText(state));
			const rest = second === undefined || second === first ? '' : ` → ${second}`;
			yield `    ${part.how} ${first}${rest}`;
		}
	}
}

/** `__u32 port at 4`, `RED = 1`, `__u64`. */
function stateText({name, type, offset, bits}: PartState): string {
	if (bits === 0 && offset === 0) return name === '' ? type : `${name} = ${type}`;
	const place = offset % 8 === 0 ? `${offset / 8}` : `${Math.floor(offset / 8)}.${offset % 8}`;
	const width = bits % 8 === 0 ? '' : `, ${bits} bits`;
	return `${type}${name === '' ? '' : ` ${name}`} at ${place}${width}`;
}
