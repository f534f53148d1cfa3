/** What all nouns of the datapath share: which node's maps, and what is said of their layouts. */

import {Option, type Command} from 'commander';

import {hex} from '../base/bytes.js';
import {isEbpfError, UsageError} from '../base/errors.js';
import type {DatapathMap, DatapathMaps, LayoutVersion} from '../datapath/index.js';
import {printList, write, type OutputOptions} from './output/print.js';

export const defaultRoot = '/sys/fs/bpf/skep';
const versions = ['1.15', '1.16', '1.17', '1.18', '1.19', 'skep'];

/** Where a datapath's maps are, as the command line says it. */
export interface RootOptions {
	readonly root: string;
	readonly prefix: string;
	readonly layoutVersion?: LayoutVersion;
}

/** Adds `--root`, `--prefix` and `--layout-version`. */
export function withRoot(command: Command): Command {
	return withOwnRoot(command)
		.option('--prefix <text>', "what maps' names begin with; cilium_ on a Cilium node", '')
		.addOption(
			new Option('--layout-version <version>', 'where nothing else tells it').choices(
				versions,
			),
		);
}

/** Adds `--root` to what only skep's own datapath has. */
export function withOwnRoot(command: Command): Command {
	return command.option('--root <dir>', 'where the datapath is pinned', defaultRoot);
}

/** For the end of a help page: how the same is asked of a Cilium node. */
export const ciliumOptions = '--root /sys/fs/bpf/tc/globals --prefix cilium_';

/**
 * Opens the maps that the options name, for reading unless `write` is set.
 *
 * *Throws:* `ERR_DATAPATH` that says how to bring a datapath up where there is none.
 */
export async function openMaps(
	{root, prefix = '', layoutVersion}: Partial<RootOptions> & Pick<RootOptions, 'root'>,
	{write: wanted = false}: {readonly write?: boolean} = {},
): Promise<DatapathMaps> {
	const {openDatapathMaps} = await import('../datapath/index.js');
	let maps;
	try {
		maps = openDatapathMaps({
			root,
			prefix,
			write: wanted,
			...(layoutVersion === undefined ? {} : {version: layoutVersion}),
		});
	} catch (error) {
		const isMissing = isEbpfError(error) && hasCode(error.cause, 'ENOENT');
		throw isMissing ? await noDatapath(root, prefix, 'there is no such directory') : error;
	}

	if (maps.endpoints !== undefined || maps.ipcache !== undefined) return maps;
	maps.close();
	throw await noDatapath(root, prefix, `no maps are pinned there as ${prefix}lxc`);
}

const hasCode = (error: unknown, code: string): boolean =>
	(error as NodeJS.ErrnoException | undefined)?.code === code;

async function noDatapath(root: string, prefix: string, cause: string): Promise<Error> {
	const {DatapathError} = await import('../datapath/index.js');
	const hint =
		prefix === ''
			? `"skep datapath up${root === defaultRoot ? '' : ` --root ${root}`}" brings one up, ${ciliumOptions} reads a Cilium node's`
			: `a Cilium node's maps are read with ${ciliumOptions}`;
	return new DatapathError('find datapath', root, `${cause}; ${hint}`);
}

/**
 * Refuses what would change maps that another datapath's agent keeps, unless asked for by `force`.
 *
 * *Throws:* `ERR_USAGE`.
 */
export function requireOwn(action: string, {prefix}: RootOptions, force = false): void {
	if (prefix === '' || force) return;
	throw new UsageError(
		`${action}: maps called ${prefix}* are kept by another datapath's agent; --force changes them all the same`,
	);
}

/** What is flushed where nothing else says which. */
export interface FlushOptions {
	readonly all?: boolean;
	readonly force?: boolean;
}

/** Adds `--all` and `--force`. */
export function withFlush(command: Command): Command {
	return command
		.option('--all', 'all of them')
		.option('--force', "also where another datapath's agent keeps them");
}

/**
 * Refuses to flush what nobody has chosen, or what is another agent's.
 *
 * *Throws:* `ERR_USAGE`.
 */
export function requireChoice(
	action: string,
	filter: object,
	options: FlushOptions & RootOptions,
): void {
	if (options.all !== true && Object.keys(filter).length === 0) {
		throw new UsageError(`${action}: say which, or --all`);
	}

	requireOwn(action, options, options.force);
}

/** Whose times are read. */
export interface ClockOptions {
	readonly clock: 'monotonic' | 'jiffies';
}

/** Adds `--clock`. */
export function withClock(command: Command): Command {
	return command.addOption(
		new Option('--clock <kind>', "what a Cilium node's programs go by")
			.choices(['monotonic', 'jiffies'])
			.default('monotonic'),
	);
}

/** A map that is there; whether its layout is known is to be asked. *Throws:* `ERR_DATAPATH`. */
export async function requireMap<K, V>(
	map: DatapathMap<K, V> | undefined,
	maps: DatapathMaps,
	name: string,
): Promise<DatapathMap<K, V>> {
	if (map === undefined)
		throw await noDatapath(maps.root, maps.prefix, `there is no map ${name}`);
	warnOfLayout(map);
	return map;
}

const warned = new Set<string>();

/** Says on standard error, once, what is not known or only guessed of a map's layout. */
export function warnOfLayout(found: LaidOut): void {
	if (warned.has(found.path)) return;
	warned.add(found.path);
	const {name, layout} = found;
	if (!layout.known) {
		process.stderr.write(`skep: warning: ${layout.warning}; they are shown as bytes\n`);
	} else if (layout.by === 'guess') {
		process.stderr.write(
			`skep: warning: the layout of ${name} is guessed, ${rangeOf(layout.versions)}; --layout-version tells it\n`,
		);
	}
}

type LaidOut = Pick<DatapathMap<unknown, unknown>, 'name' | 'path' | 'layout'>;

/**
 * The layout's variant in words, `1.17-1.19 by types`; undefined for skep's own maps, which have but
 * one.
 */
export function layoutText({layout}: LaidOut, {prefix}: RootOptions): string | undefined {
	if (!layout.known) return 'unknown';
	const isOwn = prefix === '' && layout.versions.includes('skep');
	return isOwn ? undefined : `${rangeOf(layout.versions)} by ${layout.by}`;
}

function rangeOf(list: readonly LayoutVersion[]): string {
	const [first = '', last = first] = [list[0], list.at(-1)];
	return first === last ? first : `${first}-${last}`;
}

/** Below a table, and as a field of each JSON object, stands the layout where it is not skep's own. */
export async function printRecords<T extends object>(
	items: readonly T[],
	row: (item: T) => Readonly<Record<string, string | number | bigint>>,
	layout: string | undefined,
	output: OutputOptions,
): Promise<void> {
	if (layout === undefined || output.output === 'table') await printList(items, row, output);
	else
		await printList(
			items.map(item => ({...item, layout})),
			row,
			output,
		);
	if (layout !== undefined && output.output === 'table') write(`layout ${layout}\n`);
}

/** The elements of a map whose layout is not known. */
export async function printBytes(
	map: Iterable<readonly [Uint8Array, unknown]>,
	output: OutputOptions,
): Promise<void> {
	const rows = [...map].map(([key, value]) => ({
		key: hex(key, ''),
		value: [value]
			.flat()
			.map(each => hex(each as Uint8Array, ''))
			.join(' '),
	}));
	await printRecords(rows, each => each, 'unknown', output);
}
