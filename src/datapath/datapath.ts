/** The datapath of a node: brought up, looked at, replaced, taken down. */

import {existsSync} from 'node:fs';
import {constants} from 'node:os';
import {basename, resolve} from 'node:path';

import {isEbpfError} from '../base/errors.js';
import type {Collection} from '../object/collection/collection.js';
import {loadCollectionAsync} from '../object/collection/load-collection.js';
import {attach, type Attached} from '../object/hook/attach.js';
import {openPinnedLink, type Mechanism} from '../object/link/link.js';
import type {NamespaceOptions} from '../object/link/target.js';
import type {MismatchPolicy} from '../object/map/reuse-pin.js';
import {replacePin} from '../object/pin/pin.js';
import {openPinnedProgram, type Program} from '../object/program/program.js';
import {DatapathError} from './datapath-error.js';
import {openDatapathMaps} from './maps.js';
import {
	objectNames,
	prepareObject,
	requireConstants,
	type NodeSettings,
	type ObjectName,
} from './objects.js';
import {
	defaultRoot,
	deviceLinkPath,
	endpointLinkPath,
	listFolder,
	makeRoot,
	programPath,
	removePins,
	withLock,
} from './root.js';
import {Policies} from './policy/policies.js';
import {mapSizes, type SizeOptions} from './sizes.js';

const {ENOLINK} = constants.errno;

/** How a node's datapath is brought up. */
export interface DatapathOptions extends NodeSettings, NamespaceOptions {
	/** Directory of its pins in a bpf filesystem; `/sys/fs/bpf/skep` unless given. */
	readonly root?: string;
	/** The node's devices: what comes and goes by them is guarded. */
	readonly devices?: readonly string[];
	/** Of its maps, when they are made; a map that is there keeps its size. */
	readonly sizes?: SizeOptions;
	/** What becomes of pinned maps of another layout: `fail` unless given. */
	readonly onMismatch?: MismatchPolicy;
}

/** A program on one hook. */
export interface DatapathHook {
	/** Interface's name, or the endpoint's id. */
	readonly where: string;
	readonly kind: 'device' | 'endpoint';
	readonly program: string;
	/** Of the program that runs there; 0 where the interface is gone. */
	readonly programId: number;
	/** False where an older version of the program runs than is pinned. */
	readonly current: boolean;
}

/** What is there of a datapath. */
export interface DatapathStatus {
	readonly root: string;
	readonly state: 'up' | 'down' | 'partial';
	readonly programs: readonly {
		readonly name: string;
		readonly id: number;
		readonly tag: string;
	}[];
	readonly hooks: readonly DatapathHook[];
	readonly maps: readonly string[];
}

/** What was done. */
export interface DatapathChange {
	readonly hooks: readonly {
		readonly where: string;
		readonly program: string;
		readonly how: Attached['how'];
		readonly mechanism: Mechanism;
	}[];
}

const programsOf: Readonly<Record<ObjectName, readonly string[]>> = {
	endpoint: ['from_endpoint', 'to_endpoint'],
	host: ['from_netdev', 'to_netdev'],
};

const directions: Readonly<Record<string, 'ingress' | 'egress'>> = {
	from_endpoint: 'ingress',
	to_endpoint: 'egress',
	from_netdev: 'ingress',
	to_netdev: 'egress',
};

/**
 * Brings the datapath up, or brings it to what the options say: loads the programs, attaches them to
 * the devices and to whatever endpoints there are, and pins all of it. Programs that run are replaced
 * in place, so that each packet meets the old or the new ones; maps stay, and so do connections.
 *
 * It may be called again at any time; after a crash at any point it finishes what was begun.
 *
 * *Throws:* `ERR_DATAPATH` while another process changes it; `ERR_BPFFS`, `ERR_VERIFIER`, `ERR_LINK`
 * and what loading throws: what ran before runs on. *Kernel:* 5.10; 6.6 for links of tcx, without
 * which clsact filters are used.
 */
export async function datapathUp(options: DatapathOptions = {}): Promise<DatapathChange> {
	const root = resolve(options.root ?? defaultRoot);
	return withLock(root, 'bring up datapath', async () => {
		makeRoot(root);
		const sizes = mapSizes(options.sizes);
		const specs = await Promise.all(
			objectNames.map(async name => prepareObject(name, options, sizes)),
		);
		requireConstants(specs, options);
		const loaded: Collection[] = [];
		try {
			for (const spec of specs) {
				loaded.push(
					await loadCollectionAsync(spec, {
						pinRoot: root,
						onMismatch: options.onMismatch ?? 'fail',
					}),
				);
			}

			const hooks = putInPlace(root, loaded, options);
			using maps = openDatapathMaps({root, write: true});
			// What a process began that was killed.
			await new Policies(maps).recover();
			return {hooks};
		} finally {
			for (const collection of loaded) collection.close();
		}
	});
}

/** Pins first: an endpoint that is added meanwhile gets the new programs. */
function putInPlace(
	root: string,
	loaded: readonly Collection[],
	options: DatapathOptions,
): DatapathChange['hooks'] {
	const programs = new Map<string, Program>();
	for (const [i, object] of objectNames.entries()) {
		for (const name of programsOf[object]) {
			const program = loaded[i]?.program(name);
			if (program === undefined) continue;
			programs.set(name, program);
			replacePin(program.fd, programPath(root, name), `program "${name}"`);
		}
	}

	updateEndpoints(root, programs);
	const hooks = [];
	for (const device of options.devices ?? []) {
		for (const name of programsOf.host) {
			const program = programs.get(name);
			if (program === undefined) continue;
			const {link, how} = attach(
				program,
				{
					tcx: device,
					direction: directions[name] ?? 'ingress',
					...(options.netns === undefined ? {} : {netns: options.netns}),
				},
				{pin: deviceLinkPath(root, device, name)},
			);
			hooks.push({where: device, program: name, how, mechanism: link.mechanism});
			link.close();
		}
	}

	return hooks;
}

function updateEndpoints(root: string, programs: ReadonlyMap<string, Program>): void {
	for (const id of listFolder(root, 'links', 'endpoints')) {
		for (const name of listFolder(root, 'links', 'endpoints', id)) {
			const program = programs.get(name);
			if (program === undefined) continue;
			using link = openPinnedLink(endpointLinkPath(root, Number(id), name));
			try {
				link.update(program);
			} catch (error) {
				// The endpoint's interface went: `endpoints.delete` removes what is left of it.
				if (!isEbpfError(error) || (error as {errno?: number}).errno !== ENOLINK)
					throw error;
			}
		}
	}
}

/** The same with other objects or constants: programs are swapped under traffic. */
export const datapathUpgrade = datapathUp;

/** What is there, and whether all of it is. Changes nothing. */
export function datapathStatus({
	root: given = defaultRoot,
}: {readonly root?: string} = {}): DatapathStatus {
	const root = resolve(given);
	const programs = listFolder(root, 'programs').map(name => {
		using program = openPinnedProgram(programPath(root, name));
		const {id, tag} = program.info();
		return {name, id, tag};
	});
	const idOf = new Map(programs.map(({name, id}) => [name, id]));
	const hooks = (['devices', 'endpoints'] as const).flatMap(kind =>
		listFolder(root, 'links', kind).flatMap(where =>
			listFolder(root, 'links', kind, where).map((program): DatapathHook => {
				using link = openPinnedLink(`${root}/links/${kind}/${where}/${program}`);
				const {programId, ...info} = link.info();
				const gone = 'ifindex' in info && info.ifindex === 0;
				return {
					where,
					kind: kind === 'devices' ? 'device' : 'endpoint',
					program,
					programId: gone ? 0 : programId,
					current: programId === idOf.get(program),
				};
			}),
		),
	);
	const folders = new Set(['programs', 'links']);
	const maps = listFolder(root).filter(name => !folders.has(name));
	const wanted = objectNames.flatMap(name => programsOf[name]);
	const whole = wanted.every(name => idOf.has(name)) && hooks.every(({current}) => current);
	const state = programs.length === 0 && maps.length === 0 ? 'down' : whole ? 'up' : 'partial';
	return {root, state, programs, hooks, maps};
}

/**
 * Takes the datapath down: detaches its programs and removes all its pins, with them endpoints,
 * policies and connections. Traffic passes unguarded from then on.
 *
 * *Throws:* `ERR_DATAPATH` while another process changes it, and for a directory that holds no
 * datapath.
 */
export async function datapathDown({
	root: given = defaultRoot,
}: {readonly root?: string} = {}): Promise<void> {
	const root = resolve(given);
	await withLock(root, 'take down datapath', () => {
		if (!existsSync(root)) return;
		if (!existsSync(`${root}/programs`)) {
			throw new DatapathError(
				'take down datapath',
				root,
				`it holds none: there is no "${basename(root)}/programs"`,
			);
		}

		// Links first: what is attached keeps its maps until then.
		for (const folder of ['links', 'programs', '.']) {
			const path = resolve(root, folder);
			if (existsSync(path)) removePins(path);
		}
	});
}
