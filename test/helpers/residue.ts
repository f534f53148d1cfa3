import {existsSync, readdirSync, readFileSync, readlinkSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {listMounts} from './mounts.js';
import {run, until} from './run.js';

/** What exists on this machine that a test could leave behind, one line each. */
export type Residue = ReadonlySet<string>;

/** What is there now, except what other running processes hold or have named as theirs. */
export async function takeSnapshot(): Promise<Residue> {
	const found = new Set<string>();
	for (const line of await kernelObjects()) found.add(line);
	for (const name of list('/run/netns')) if (isOurs(name)) found.add(`namespace ${name}`);
	for (const name of list('/sys/class/net')) if (isOurs(name)) found.add(`interface ${name}`);
	for (const name of list(tmpdir()))
		if (isOurs(name)) found.add(`folder ${join(tmpdir(), name)}`);
	for (const {type, path, source} of listMounts()) {
		if (source === 'skep' && isOurs(path)) found.add(`mount ${path}`);
		if (type === 'cgroup2')
			for (const name of list(path))
				if (isOurs(name)) found.add(`cgroup ${join(path, name)}`);
		if (type === 'bpf' && (isOurs(path) || !path.includes('/skep-')))
			for (const pin of readdirSync(path, {recursive: true, encoding: 'utf8'}))
				// The kernel's own iterators, in every bpffs.
				if (!pin.endsWith('.debug')) found.add(`pin ${join(path, pin)}`);
	}
	return found;
}

/**
 * Rejects, naming them, when things are there that were not `before`. The kernel frees programs
 * and maps some time after their last user has gone, so it is asked again for a while.
 */
export async function assertNoResidue(before: Residue, milliseconds = 30_000): Promise<void> {
	let left: string[] = [];
	const isClean = async () => {
		left = [...(await takeSnapshot())].filter(line => !before.has(line));
		return left.length === 0;
	};
	await until('nothing left behind', isClean, milliseconds).catch((error: unknown) => {
		throw new Error(`left behind: ${left.join(', ')}`, {cause: error});
	});
}

interface KernelObject {
	readonly id: number;
	readonly name?: string;
	readonly type?: string;
	readonly prog_id?: number;
	readonly map_ids?: readonly number[];
	readonly btf_id?: number;
}

const nouns = {prog: 'program', map: 'map', link: 'link', btf: 'btf'} as const;
type Noun = keyof typeof nouns;

async function kernelObjects(): Promise<string[]> {
	const objects = new Map<string, KernelObject>();
	const lines = new Map<string, string>();
	for (const noun of Object.keys(nouns) as Noun[]) {
		const shown = JSON.parse(await run('bpftool', '-j', noun, 'show')) as KernelObject[];
		for (const object of shown) {
			const key = `${noun} ${object.id}`;
			objects.set(key, object);
			const facts = [object.name, object.type].filter(fact => fact !== undefined);
			lines.set(key, [nouns[noun], object.id, ...facts].join(' '));
		}
	}

	// What another process holds, and whatever that in turn holds, is no residue of ours.
	const foreign = heldByOthers();
	for (const key of foreign) {
		lines.delete(key);
		const {prog_id: program, map_ids: maps = [], btf_id: btf} = objects.get(key) ?? {};
		if (program !== undefined) foreign.add(`prog ${program}`);
		for (const map of maps) foreign.add(`map ${map}`);
		if (btf !== undefined) foreign.add(`btf ${btf}`);
	}
	for (const key of lostByTheKernel(objects)) lines.delete(key);
	return [...lines.values()];
}

/**
 * Program arrays that nothing refers to, and their types. Up to 6.18 at least, the kernel counts a
 * reference for every clearing of a program array it asks for (`prog_array_map_clear`) and gives it
 * back for every one that runs; when somebody lists maps while one is closed, two are asked for, one
 * runs, and the array stays for ever. No process can hold such a map, and none can free it.
 */
function lostByTheKernel(objects: ReadonlyMap<string, KernelObject>): string[] {
	// Types name their maps, too.
	const used = new Set(
		[...objects].flatMap(
			([key, {map_ids: maps}]) => (key.startsWith('prog ') ? maps : []) ?? [],
		),
	);
	return [...objects].flatMap(([key, {id, type, btf_id: btf}]) => {
		if (!key.startsWith('map ') || type !== 'prog_array' || used.has(id)) return [];
		return btf === undefined ? [key] : [key, `btf ${btf}`];
	});
}

/** Keys (`prog 12`) of what other processes have open. */
function heldByOthers(): Set<string> {
	const held = new Set<string>();
	const others = list('/proc').filter(name => /^\d+$/.test(name) && Number(name) !== process.pid);
	for (const pid of others) {
		for (const fd of list(`/proc/${pid}/fd`)) {
			try {
				if (!/^anon_inode:\[?(bpf|btf)/.test(readlinkSync(`/proc/${pid}/fd/${fd}`)))
					continue;
				const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
				for (const [, noun, id] of info.matchAll(/^(prog|map|link|btf)_id:\s*(\d+)$/gm))
					held.add(`${noun} ${id}`);
			} catch {
				// The process has ended, or closed it, since it was listed.
			}
		}
	}
	return held;
}

/** Named by this process, or by one that is gone: `skep-<pid>-<n>`. */
function isOurs(path: string): boolean {
	const pid = /(?:^|\/)skep-(\d+)-/.exec(path)?.[1];
	return pid !== undefined && (Number(pid) === process.pid || !existsSync(`/proc/${pid}`));
}

function list(folder: string): string[] {
	try {
		return readdirSync(folder);
	} catch {
		return [];
	}
}
