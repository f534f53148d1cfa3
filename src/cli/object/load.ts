/** `skep object load`. */

import {join} from 'node:path';

import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import type {Collection, Link} from '../../index.js';
import {collect, jsonValue} from '../arguments.js';
import {hookHelp, hookTarget} from '../hook-target.js';
import {until} from '../interrupt.js';
import {outputOptions, printList} from '../output/print.js';

export function addLoad(object: Command): void {
	object
		.command('load')
		.description('load maps and programs and pin them, all or nothing')
		.argument('<file>', 'object file')
		.argument('<dir>', 'folder in a bpf filesystem for the pins')
		.option('--pin-root <dir>', 'where maps are pinned; <dir>/maps unless given')
		.option(
			'--on-mismatch <policy>',
			'fail, reuse, recreate or migrate a pinned map that differs',
			'fail',
		)
		.option(
			'--update <link=program>',
			'pinned link that is given a new program, before maps are migrated',
			collect,
		)
		.option(
			'--attach <program=hook>',
			'make a program run, see below; its link is pinned at <dir>/links/<program>',
			collect,
		)
		.option('--netns <path|pid>', 'network namespace of the devices')
		.option('--set <name=value>', 'set a variable before load', collect)
		.option('--setting <name=value>', "instead of the kernel's own: CONFIG_HZ=250", collect)
		.option('--program <name>', 'only this program', collect)
		.option('--btf <file>', 'relocate for these types, not for those of this kernel')
		.addHelpText(
			'after',
			`
${hookHelp}
Where the program's section says the rest, tcx:DEVICE and cgroup:PATH will do;
no hook is needed where it says all: kprobe/do_exit, tp/sched/sched_switch,
fentry/tcp_connect, iter/task.

Examples:
  skep object load lb.bpf.o /sys/fs/bpf/lb --set node_ipv4=3221225985
  skep object load lb.bpf.o /sys/fs/bpf/lb --attach entry=xdp:eth0
  skep object load trace.bpf.o /sys/fs/bpf/trace --attach on_exec`,
		)
		.action(load);
}

interface LoadOptions {
	readonly pinRoot?: string;
	readonly onMismatch: string;
	readonly update?: readonly string[];
	readonly attach?: readonly string[];
	readonly netns?: string;
	readonly set?: readonly string[];
	readonly setting?: readonly string[];
	readonly program?: readonly string[];
	readonly btf?: string;
}

const policies = ['fail', 'reuse', 'recreate', 'migrate'] as const;

async function load(
	file: string,
	directory: string,
	options: LoadOptions,
	command: Command,
): Promise<void> {
	const {loadCollectionAsync, readObject} = await import('../../index.js');
	const onMismatch = policies.find(policy => policy === options.onMismatch);
	if (onMismatch === undefined) {
		throw new UsageError(
			`read policy "${options.onMismatch}": expected ${policies.join(', ')}`,
		);
	}

	const spec = await readObject(file);
	for (const word of options.set ?? []) setVariable(spec.variables, word);
	const pinRoot = options.pinRoot ?? join(directory, 'maps');
	const pinned: {kind: string; name: string; id: number; pin: string}[] = [];
	await until(async signal => {
		using collection = await loadCollectionAsync(spec, {
			pinRoot,
			pinMaps: 'all',
			onMismatch,
			...(options.setting === undefined ? {} : {settings: readSettings(options.setting)}),
			...(options.program === undefined ? {} : {programs: options.program}),
			...(options.btf === undefined ? {} : {targetBtf: options.btf}),
			signal,
		});
		const undo: (() => void)[] = [];
		const links: Link[] = [];
		try {
			for (const [name, program] of Object.entries(collection.programs)) {
				const pin = join(directory, name);
				program.pin(pin);
				undo.push(() => {
					program.unpin(pin);
				});
				pinned.push({kind: 'program', name, id: program.info().id, pin});
			}

			for (const word of options.update ?? []) await updateLink(word, collection);
			for (const word of options.attach ?? []) {
				const [name, link] = await attachOne(word, collection, directory, options.netns);
				links.push(link);
				const pin = linkPin(directory, name);
				const isLink = link.mechanism === 'link';
				undo.push(() => {
					if (isLink) link.unpin(pin);
					else link.detach();
				});
				if (isLink) pinned.push({kind: 'link', name, id: link.info().id, pin});
			}

			await collection.commit();
		} catch (error) {
			for (const step of undo.reverse()) step();
			collection.unpin();
			throw error;
		} finally {
			for (const link of links) link.close();
		}

		for (const {name, path, map} of collection.pins) {
			pinned.push({kind: 'map', name, id: map.info.id, pin: path});
		}
	});
	await printList(pinned, each => each, outputOptions(command));
}

const linkPin = (directory: string, program: string) => join(directory, 'links', program);

async function attachOne(
	word: string,
	collection: Collection,
	directory: string,
	netns: string | undefined,
): Promise<[name: string, link: Link]> {
	const {attach, attachTypes} = await import('../../index.js');
	const at = word.indexOf('=');
	const name = at < 0 ? word : word.slice(0, at);
	const target = at < 0 ? undefined : hookTarget(word.slice(at + 1), attachTypes, netns);
	const pin = linkPin(directory, name);
	return [name, attach(collection.program(name), target, {pin, policy: 'create'}).link];
}

async function updateLink(word: string, collection: Collection): Promise<void> {
	const {openPinnedLink} = await import('../../index.js');
	const at = word.lastIndexOf('=');
	if (at < 1) throw new UsageError(`read update "${word}": expected LINK=PROGRAM`);
	using link = openPinnedLink(word.slice(0, at));
	link.update(collection.program(word.slice(at + 1)));
}

function readSettings(words: readonly string[]): Record<string, string> {
	const pairs = words.map((word): [string, string] => {
		const at = word.indexOf('=');
		if (at < 1) throw new UsageError(`read setting "${word}": expected NAME=VALUE`);
		return [word.slice(0, at), word.slice(at + 1)];
	});
	return Object.fromEntries(pairs);
}

function setVariable(
	variables: Readonly<Record<string, {set(value: unknown): void}>>,
	word: string,
): void {
	const at = word.indexOf('=');
	const name = at < 0 ? word : word.slice(0, at);
	const variable = variables[name];
	if (at < 1) throw new UsageError(`read variable "${word}": expected NAME=VALUE`);
	if (variable === undefined) {
		const known = Object.keys(variables).join(', ') || 'none';
		throw new UsageError(
			`set variable "${name}": the object has no such variable; it has ${known}`,
		);
	}

	variable.set(jsonValue(word.slice(at + 1)));
}
