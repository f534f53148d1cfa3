/** `skep btf`: type information in the kernel and in object files. */

import type {Command} from 'commander';

import type {Btf, BtfType} from '../index.js';
import {UsageError} from '../base/errors.js';
import {outputOptions, printList, printOne, writeLines} from './output/print.js';

const example = (text: string): string => `\nExample:\n  ${text}`;

export function addBtfVerbs(btf: Command): void {
	const what = 'id, object file, or "kernel"';

	btf.command('list')
		.description('all BTF objects of this host')
		.addHelpText('after', example('skep btf list'))
		.action(list);

	btf.command('show')
		.description('a summary, or one type with its fields')
		.argument('<btf>', what)
		.option('--name <type>', 'this type')
		.addHelpText('after', example('skep btf show kernel --name xdp_buff'))
		.action(show);

	btf.command('dump')
		.description('all types, one a line')
		.argument('<btf>', what)
		.option('--name <type>', 'only types of this name')
		.addHelpText('after', example('skep btf dump lb.bpf.o'))
		.action(dump);
}

async function open(text: string): Promise<Btf> {
	const {kernelBtf, openBtfById, readObject} = await import('../index.js');
	if (text === 'kernel') return kernelBtf();
	if (/^\d+$/.test(text)) return openBtfById(Number(text));
	const {types} = await readObject(text);
	if (types === undefined) throw new UsageError(`read types of "${text}": the object has no BTF`);
	return types;
}

async function list(_: unknown, command: Command): Promise<void> {
	const {listBtf} = await import('../index.js');
	await printList(
		listBtf(),
		each => ({
			id: each.id,
			name: each.name === '' ? '-' : each.name,
			bytes: each.size,
			of: each.kernel ? 'kernel' : 'program',
		}),
		outputOptions(command),
	);
}

async function show(text: string, options: {name?: string}, command: Command): Promise<void> {
	const btf = await open(text);
	const format = outputOptions(command);
	if (options.name === undefined) {
		const kinds: Record<string, number> = {};
		for (let id = 1; id < btf.typeCount; id++) {
			const {kind} = btf.type(id);
			kinds[kind] = (kinds[kind] ?? 0) + 1;
		}

		await printOne({types: btf.typeCount - 1, bytes: btf.bytes.length, ...kinds}, format);
		return;
	}

	const type = found(btf, options.name);
	if (format.output !== 'table') {
		await printOne(type, format);
	} else {
		writeLines(await declaration(btf, type));
	}
}

function found(btf: Btf, name: string): BtfType {
	const types = btf.findAll(name).map(id => btf.type(id));
	// A typedef and its struct often share a name: the one with fields says more.
	const type = types.find(({kind}) => kind === 'struct' || kind === 'union') ?? types[0];
	if (type === undefined) throw new UsageError(`find type "${name}": there is no such type`);
	return type;
}

/** A struct with its fields and their places; one line for everything else. */
async function declaration(btf: Btf, type: BtfType): Promise<string[]> {
	const {describeType} = await import('../index.js');
	if (type.kind === 'enum' || type.kind === 'enum64') {
		return [
			`enum ${type.name} {`,
			...type.values.map(each => `\t${each.name} = ${each.value},`),
			'};',
		];
	}

	if (type.kind !== 'struct' && type.kind !== 'union') return [describeType(btf, type.id)];
	const members = type.members.map(({name, typeId, bitOffset, bitfieldSize}) => {
		const width = bitfieldSize > 0 ? ` : ${bitfieldSize}` : '';
		const place =
			bitOffset % 8 === 0
				? `${bitOffset / 8}`
				: `${Math.floor(bitOffset / 8)}.${bitOffset % 8}`;
		return [`\t${describeType(btf, typeId, name)}${width};`, `/* ${place} */`] as const;
	});
	const column = Math.max(0, ...members.map(([text]) => text.length)) + 2;
	return [
		`${type.kind} ${type.name} {  /* ${type.size} bytes */`,
		...members.map(([text, comment]) => text.padEnd(column) + comment),
		'};',
	];
}

async function dump(text: string, options: {name?: string}, command: Command): Promise<void> {
	const {describeType} = await import('../index.js');
	const btf = await open(text);
	const format = outputOptions(command);
	const ids = options.name === undefined ? allIds(btf) : btf.findAll(options.name);
	const types = (function* () {
		for (const id of ids) yield btf.type(id);
	})();
	if (format.output !== 'table') {
		await printList(types, () => ({}), format);
		return;
	}

	writeLines(
		(function* () {
			for (const type of types) {
				const size = 'size' in type ? `, ${type.size} bytes` : '';
				yield `[${type.id}] ${type.kind} ${describeType(btf, type.id)}${size}`;
			}
		})(),
	);
}

function* allIds(btf: Btf): Generator<number> {
	for (let id = 1; id < btf.typeCount; id++) yield id;
}
