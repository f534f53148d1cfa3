/** `skep map`: maps in the kernel, whoever made them. */

import type {Command} from 'commander';

import type {BpfMap, FieldCodecs} from '../index.js';
import {collect, fieldCodecs, hexBytes, jsonValue, reference} from './arguments.js';
import {example} from './output/example.js';
import {cellText, outputOptions, printList, printOne, write} from './output/print.js';
import type {Row} from './output/table.js';
import {writeTable} from './output/stream-table.js';

export function addMapVerbs(map: Command): void {
	const verb = (name: string, description: string): Command =>
		map.command(name).description(description).argument('<map>', 'id, or path of a pin');
	const typed = (command: Command): Command =>
		command
			.option(
				'--field <path=codec>',
				'be16 be32 be64 ipv4 ipv6 mac string bytes hex',
				collect,
			)
			.option('--raw', 'keys and values as bytes, whatever their types say');

	map.command('list')
		.description('all maps of this host')
		.addHelpText('after', example('skep map list'))
		.action(list);

	verb('show', 'one map, with its types, pins and holders')
		.addHelpText('after', example('skep map show /sys/fs/bpf/lb/maps/services'))
		.action(show);

	typed(verb('dump', 'all elements, decoded through BTF'))
		.addHelpText('after', example('skep map dump 12 --field key.saddr=ipv4 -o json'))
		.action(dump);

	typed(verb('get', 'one element'))
		.argument('<key>', 'JSON by the type of the key, or hex:0a0b0c')
		.addHelpText(
			'after',
			example(`skep map get 12 '{"saddr":"192.0.2.1"}' --field key.saddr=ipv4`),
		)
		.action(get);

	typed(verb('set', 'write one element'))
		.argument('<key>', 'JSON by the type of the key, or hex:0a0b0c')
		.argument('<value>', 'JSON by the type of the value, or hex:0a0b0c')
		.option('--mode <mode>', 'any, noexist or exist', 'any')
		.addHelpText('after', example('skep map set /sys/fs/bpf/limits 0 1500'))
		.action(set);

	typed(verb('delete', 'remove one element'))
		.argument('<key>', 'JSON by the type of the key, or hex:0a0b0c')
		.addHelpText('after', example('skep map delete 12 hex:c0000201'))
		.action(remove);
}

interface TypedOptions {
	readonly field?: readonly string[];
	readonly raw?: boolean;
}

async function open(text: string, options: TypedOptions = {}): Promise<BpfMap> {
	const {openMapById, openPinnedMap} = await import('../index.js');
	const codecs = fieldCodecs(options.field ?? []) as {key?: FieldCodecs; value?: FieldCodecs};
	const open = {...codecs, ...(options.raw === true ? {raw: true} : {})};
	const target = reference(text);
	return 'id' in target ? openMapById(target.id, open) : openPinnedMap(target.path, open);
}

async function list(_: unknown, command: Command): Promise<void> {
	const {listMaps, listPins} = await import('../index.js');
	const pins = new Map(
		[...listPins()].filter(pin => pin.kind === 'map').map(pin => [pin.id, pin.path]),
	);
	const maps = [...listMaps()].map(each => ({...each, pin: pins.get(each.id)}));
	await printList(
		maps,
		each => ({
			id: each.id,
			type: each.type,
			name: each.name === '' ? '-' : each.name,
			key: each.keySize,
			value: each.valueSize,
			entries: each.maxEntries,
			btf: each.btfId === 0 ? '-' : each.btfId,
			pin: each.pin ?? '-',
		}),
		outputOptions(command),
	);
}

async function show(text: string, _: unknown, command: Command): Promise<void> {
	const {describeType, findHolders, flagNames, listPins, listPrograms, mapFlags} =
		await import('../index.js');
	using map = await open(text);
	const {info, types} = map;
	const describe = (id: number): string =>
		types === undefined || id === 0 ? '-' : describeType(types.btf, id);
	await printOne(
		{
			id: info.id,
			type: info.type,
			name: info.name,
			key: `${info.keySize} bytes, ${describe(info.keyTypeId)}`,
			value: `${info.valueSize} bytes, ${describe(info.valueTypeId)}`,
			maxEntries: info.maxEntries,
			flags: flagNames(info.flags, mapFlags),
			btfId: info.btfId,
			programs: [...listPrograms()]
				.filter(each => each.mapIds.includes(info.id))
				.map(each => each.id),
			pins: [...listPins()]
				.filter(pin => pin.kind === 'map' && pin.id === info.id)
				.map(pin => pin.path),
			holders: (findHolders('map').get(info.id) ?? [])
				.filter(({pid}) => pid !== process.pid)
				.map(({pid, command: name}) => `${name}(${pid})`),
		},
		outputOptions(command),
	);
}

async function dump(text: string, options: TypedOptions, command: Command): Promise<void> {
	using map = await open(text, options);
	const format = outputOptions(command);
	let isComplete;
	if (format.output === 'table') {
		const entries = map.entries();
		writeTable(tableRows(entries));
		isComplete = entries.complete;
	} else if (format.output === 'json') {
		const pieces = map.jsonBytes();
		for (const piece of pieces) write(piece);
		isComplete = pieces.complete;
	} else {
		const entries = map.entries();
		await printList(
			[...entries].map(([key, value]) => ({key, value})),
			() => ({}),
			format,
		);
		isComplete = entries.complete;
	}

	if (!isComplete) {
		process.stderr.write(
			'skep: the map changed faster than it could be read; some elements may be missing\n',
		);
	}
}

function* tableRows(entries: Iterable<[unknown, unknown]>): Generator<Row> {
	for (const [key, value] of entries) yield {...cells('key', key), ...cells('value', value)};
}

/** A struct's fields each in a column of their own. */
function cells(name: string, value: unknown): Row {
	if (
		typeof value !== 'object' ||
		value === null ||
		Array.isArray(value) ||
		value instanceof Uint8Array
	) {
		return {
			[name]:
				value instanceof Uint8Array ? Buffer.from(value).toString('hex') : cellText(value),
		};
	}

	return Object.fromEntries(
		Object.entries(value).map(([field, each]) => [`${name}.${field}`, cellText(each)]),
	);
}

/** A key or value of the command line; `hex:` gives bytes, which only the raw codecs take. */
function decodeWord(text: string): {bytes: Uint8Array} | {value: unknown} {
	return text.startsWith('hex:') ? {bytes: hexBytes(text.slice(4))} : {value: jsonValue(text)};
}

async function get(
	text: string,
	key: string,
	options: TypedOptions,
	command: Command,
): Promise<void> {
	using map = await open(text, options);
	const word = decodeWord(key);
	const value = 'bytes' in word ? rawGet(map, word.bytes) : map.get(word.value);
	if (value === undefined) {
		process.stderr.write(`skep: read map "${map.name}": no such key\n`);
		process.exitCode = 1;
		return;
	}

	if (
		typeof value === 'object' &&
		value !== null &&
		!Array.isArray(value) &&
		!(value instanceof Uint8Array)
	) {
		await printOne(value, outputOptions(command));
	} else {
		const {jsonOf} = await import('../base/json.js');
		write(`${jsonOf(value)}\n`);
	}
}

function rawGet(map: BpfMap, key: Uint8Array): unknown {
	const bytes = map.raw.get(key);
	if (bytes === undefined) return undefined;
	return map.valueCodec.decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0);
}

interface SetOptions extends TypedOptions {
	readonly mode: string;
}

const modes = ['any', 'noexist', 'exist'] as const;

async function set(text: string, key: string, value: string, options: SetOptions): Promise<void> {
	const {UsageError} = await import('../index.js');
	const mode = modes.find(each => each === options.mode);
	if (mode === undefined) {
		throw new UsageError(`read mode "${options.mode}": expected ${modes.join(', ')}`);
	}

	using map = await open(text, options);
	const [keyBytes, valueBytes] = [encode(map.keyCodec, key), encode(map.valueCodec, value)];
	map.raw.set(keyBytes, valueBytes, modes.indexOf(mode));
}

async function remove(text: string, key: string, options: TypedOptions): Promise<void> {
	using map = await open(text, options);
	if (map.raw.delete(encode(map.keyCodec, key))) return;
	process.stderr.write(`skep: delete from map "${map.name}": no such key\n`);
	process.exitCode = 1;
}

function encode(
	codec: {readonly size: number; encode(value: unknown, view: DataView, offset: number): void},
	text: string,
): Uint8Array {
	const word = decodeWord(text);
	if ('bytes' in word) return word.bytes;
	const bytes = new Uint8Array(codec.size);
	codec.encode(word.value, new DataView(bytes.buffer), 0);
	return bytes;
}
