/** The datapath of a node: brought up, looked at, replaced, taken down. */

import {existsSync} from 'node:fs';
import {basename, join, resolve} from 'node:path';

import type {XdpMode} from '../kernel/netlink/device.js';
import type {Collection} from '../object/collection/collection.js';
import {loadCollectionAsync} from '../object/collection/load-collection.js';
import {openPinnedLink} from '../object/link/link.js';
import type {MismatchPolicy} from '../object/map/reuse-pin.js';
import {withInterface} from '../object/link/target.js';
import {queryCgroup} from '../object/net/query.js';
import {replacePin} from '../object/pin/pin.js';
import {openPinnedProgram, type Program} from '../object/program/program.js';
import {DatapathError} from './datapath-error.js';
import {attachToCgroup, cgroupPath, detachFromCgroup, hasCgroup} from './cgroup-hooks.js';
import {
	attachDevices,
	attachXdpDevices,
	detachXdp,
	presentDevices,
	updateLinks,
	type HookChange,
} from './hooks.js';
import {
	bindSettings,
	mergeSettings,
	mergeSizes,
	readSettings,
	type DatapathSettings,
} from './kept-settings.js';
import {openDatapathMaps} from './maps.js';
import {prepareObject, requireConstants, type ObjectName} from './objects.js';
import {datapathPrograms, usualObjects, type HookKind} from './programs.js';
import {
	cgroupFolder,
	defaultRoot,
	listFolder,
	makeRoot,
	programPath,
	removePins,
	sockmapFolder,
	withLock,
} from './root.js';
import {replaceExclusions} from './nat/exclusions.js';
import {Policies} from './policy/policies.js';
import {attachToSockmap, detachFromSockmap, endDirectConnections} from './sockmap-hooks.js';
import {mapSizes, type SizeOptions} from './sizes.js';
import {runningAt} from './tc-hooks.js';

/** How a node's datapath is brought up. */
export interface DatapathOptions extends DatapathSettings {
	/** Directory of its pins in a bpf filesystem; `/sys/fs/bpf/skep` unless given. */
	readonly root?: string;
	/**
	 * Directory of a cgroup v2 whose sockets are given backends of services; false takes the programs
	 * off. What runs stays unless given; it is moved by taking it off first.
	 */
	readonly cgroup?: string | false;
	/**
	 * Whether connections that are chosen (`Sockets.choose`) between sockets of that cgroup skip the
	 * stack; what runs stays unless given. False leaves the running ones to the stack. *Kernel:* 6.10.
	 */
	readonly sockmap?: boolean;
	/** Of its maps, when they are made; a map that is there keeps its size. */
	readonly sizes?: SizeOptions;
	/** What becomes of pinned maps of another layout: `fail` unless given. */
	readonly onMismatch?: MismatchPolicy;
}

/** A program on one hook. */
export interface DatapathHook {
	/** Interface's name, the endpoint's id, or the cgroup's path. */
	readonly where: string;
	readonly kind: HookKind;
	readonly program: string;
	/** Of XDP. */
	readonly mode?: XdpMode;
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
	/** What its programs are set up with, and an upgrade keeps; undefined where it is down. */
	readonly settings?: DatapathSettings;
}

/** What was done. */
export interface DatapathChange {
	readonly hooks: readonly HookChange[];
}

/**
 * Brings the datapath up, or brings it to what the options say: loads the programs, attaches them to
 * the devices and to whatever endpoints there are, and pins all of it. Programs that run are replaced
 * in place, so that each packet meets the old or the new ones; maps stay, and so do connections.
 *
 * It may be called again at any time; after a crash at any point it finishes what was begun.
 *
 * *Throws:* `ERR_DATAPATH` while another process changes it; `ERR_BPFFS`, `ERR_VERIFIER`, `ERR_LINK`
 * and what loading throws: what ran before runs on. *Kernel:* 6.6 for links of tcx, without which
 * clsact filters are used; the verifiers of older kernels may refuse the programs.
 */
export async function datapathUp(options: DatapathOptions = {}): Promise<DatapathChange> {
	const root = resolve(options.root ?? defaultRoot);
	return withLock(root, 'bring up datapath', async () => bringUp(root, options));
}

/**
 * Swaps the programs of a datapath that is up under traffic, as `datapathUp` does. What it was brought
 * up with stays but for what is given anew, field by field; `constants` by name.
 *
 * *Throws:* what `datapathUp` throws; `ERR_DATAPATH` where nothing is up, too.
 */
export async function datapathUpgrade(options: DatapathOptions = {}): Promise<DatapathChange> {
	const root = resolve(options.root ?? defaultRoot);
	return withLock(root, 'upgrade datapath', async () => {
		const kept = readSettings(root);
		if (kept === undefined) {
			throw new DatapathError('upgrade datapath', root, 'there is none: bring it up first');
		}

		const netns = options.netns ?? kept.netns;
		const devices = presentDevices(kept.devices ?? [], netns);
		const merged = mergeSettings({...kept, devices}, options);
		using maps = openDatapathMaps({root});
		return await bringUp(root, {...merged, sizes: mergeSizes(maps, options.sizes)});
	});
}

async function bringUp(root: string, options: DatapathOptions): Promise<DatapathChange> {
	requirePlaces(options);
	makeRoot(root);
	const sizes = mapSizes(options.sizes);
	const specs = await Promise.all(
		wantedObjects(root, options).map(
			async name => [name, await prepareObject(name, options, sizes)] as const,
		),
	);
	requireConstants(
		specs.map(([, spec]) => spec),
		options,
	);
	const loaded = new Map<ObjectName, Collection>();
	try {
		for (const [name, spec] of specs) {
			const onMismatch = options.onMismatch ?? 'fail';
			loaded.set(name, await loadCollectionAsync(spec, {pinRoot: root, onMismatch}));
		}

		const hooks = putInPlace(loaded, options, root);
		using maps = openDatapathMaps({root, write: true});
		if (options.masquerade?.exclude !== undefined) {
			replaceExclusions(maps, options.masquerade.exclude);
		}

		// What a process began that was killed.
		await new Policies(maps).recover();
		return {hooks};
	} finally {
		for (const collection of loaded.values()) collection.close();
	}
}

/** Devices and cgroup are there: found missing later, it would be half done. */
function requirePlaces({devices = [], netns, cgroup}: DatapathOptions): void {
	for (const device of devices) {
		withInterface('bring up datapath', device, netns === undefined ? {} : {netns}, () => null);
	}

	if (typeof cgroup === 'string') queryCgroup(cgroup, 'cgroup_inet4_connect');
}

/** Pins first: an endpoint that is added meanwhile gets the new programs. */
function putInPlace(
	loaded: ReadonlyMap<ObjectName, Collection>,
	options: DatapathOptions,
	root: string,
): HookChange[] {
	const {devices = [], netns, xdp = 'auto', cgroup, sockmap} = options;
	const programs = new Map<string, Program>();
	for (const {name, object} of datapathPrograms) {
		const program = loaded.get(object)?.program(name);
		if (program !== undefined) programs.set(name, program);
	}

	bindSettings(programs, options);
	for (const [name, program] of programs) {
		replacePin(program.fd, programPath(root, name), `program "${name}"`);
	}

	const placement = {root, programs, ...(netns === undefined ? {} : {netns})};
	updateLinks(placement);
	const changes = attachDevices(placement, devices);
	if (xdp === 'off') detachXdp(root);
	else changes.push(...attachXdpDevices(placement, devices, xdp));
	if (sockmap === false || cgroup === false) detachFromSockmap(root);
	if (cgroup === false) detachFromCgroup(root, 'sock');
	changes.push(...attachToCgroup(placement, cgroup || undefined), ...attachToSockmap(placement));
	return changes;
}

/** Which objects are wanted: others where they were asked for, or run and were not switched off. */
function wantedObjects(
	root: string,
	{xdp, cgroup, sockmap, services = {}}: DatapathOptions,
): readonly ObjectName[] {
	const hasXdp = listFolder(root, 'programs').includes('xdp_netdev');
	const wanted = [...usualObjects];
	const isWanted = hasXdp || services.acceleration === true;
	if (xdp === undefined ? isWanted : xdp !== 'off') wanted.push('xdp');
	if (cgroup === undefined ? hasCgroup(root, 'sock') : cgroup !== false) wanted.push('sock');
	if (cgroup !== false && (sockmap ?? hasCgroup(root, 'sockops'))) wanted.push('sockops');
	return wanted;
}

const folderKinds = [
	['devices', 'device'],
	['endpoints', 'endpoint'],
	['xdp', 'xdp'],
] as const;

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
	const hooks = folderKinds.flatMap(([folder, kind]): DatapathHook[] =>
		listFolder(root, 'links', folder).flatMap(where =>
			listFolder(root, 'links', folder, where).map((pin): DatapathHook => {
				const path = join(root, 'links', folder, where, pin);
				const program = kind === 'xdp' ? 'xdp_netdev' : pin;
				return {
					where,
					kind,
					program,
					...(kind === 'xdp' && {mode: pin as XdpMode}),
					...runningAt(path, idOf.get(program)),
				};
			}),
		),
	);
	hooks.push(...cgroupHooks(root, idOf), ...sockmapHooks(root, idOf));
	const folders = new Set(['programs', 'links', 'listeners', 'locks', 'rules']);
	const maps = listFolder(root).filter(name => !folders.has(name));
	const wanted = datapathPrograms.filter(({object}) => usualObjects.includes(object));
	const whole = wanted.every(({name}) => idOf.has(name)) && hooks.every(({current}) => current);
	const state = programs.length === 0 && maps.length === 0 ? 'down' : whole ? 'up' : 'partial';
	const settings = readSettings(root);
	return {root, state, programs, hooks, maps, ...(settings === undefined ? {} : {settings})};
}

function cgroupHooks(root: string, idOf: ReadonlyMap<string, number>): DatapathHook[] {
	const paths = new Map<bigint, string>([[0n, '']]);
	return listFolder(cgroupFolder(root)).map(program => {
		using link = openPinnedLink(join(cgroupFolder(root), program));
		const {programId, cgroupId = 0n} = link.info();
		const where = paths.get(cgroupId) ?? cgroupPath(cgroupId);
		paths.set(cgroupId, where);
		const gone = cgroupId === 0n;
		return {
			...{where, kind: 'cgroup', program, programId: gone ? 0 : programId},
			current: programId === idOf.get(program),
		};
	});
}

function sockmapHooks(root: string, idOf: ReadonlyMap<string, number>): DatapathHook[] {
	return listFolder(sockmapFolder(root)).map(program => {
		using link = openPinnedLink(join(sockmapFolder(root), program));
		const {programId} = link.info();
		const current = programId === idOf.get(program);
		return {where: 'sock_ops', kind: 'sockmap', program, programId, current};
	});
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

		{
			using maps = openDatapathMaps({root, write: true});
			endDirectConnections(maps);
		}

		// Links first: what is attached keeps its maps until then.
		for (const folder of ['links', 'programs', '.']) {
			const path = resolve(root, folder);
			if (existsSync(path)) removePins(path);
		}
	});
}
