import {readdirSync, readFileSync} from 'node:fs';

/** A process that has a descriptor of a kernel object open. */
export interface Holder {
	readonly pid: number;
	readonly command: string;
}

/** How /proc/PID/fdinfo names the objects of each kind. */
const patterns = {
	prog: /^prog_id:\s*(\d+)$/m,
	map: /^map_id:\s*(\d+)$/m,
	link: /^link_id:\s*(\d+)$/m,
	btf: /^btf_id:\s*(\d+)$/m,
} as const;

/** Kinds of object whose holders can be found. */
export type HeldKind = keyof typeof patterns;

/**
 * Which processes hold which objects of a kind, by id. Processes that may not be looked into are
 * left out, and so are pins and attachments.
 */
export function findHolders(kind: HeldKind): Map<number, Holder[]> {
	const pattern = patterns[kind];
	const holders = new Map<number, Holder[]>();
	for (const pid of processes()) {
		for (const id of heldBy(pid, pattern)) {
			const list = holders.get(id) ?? [];
			list.push({pid, command: text(`/proc/${pid}/comm`).trim()});
			holders.set(id, list);
		}
	}

	return holders;
}

function processes(): number[] {
	return entries('/proc')
		.filter(name => /^\d+$/.test(name))
		.map(Number);
}

function heldBy(pid: number, pattern: RegExp): Set<number> {
	const ids = new Set<number>();
	for (const fd of entries(`/proc/${pid}/fdinfo`)) {
		const id = heldId(text(`/proc/${pid}/fdinfo/${fd}`), pattern);
		if (id !== undefined) ids.add(id);
	}

	return ids;
}

/** The object that a descriptor is of, by its fdinfo; a link's tells of its program, too. */
function heldId(fdinfo: string, pattern: RegExp): number | undefined {
	const id = pattern.exec(fdinfo)?.[1];
	if (id === undefined) return undefined;
	return pattern !== patterns.link && patterns.link.test(fdinfo) ? undefined : Number(id);
}

// Processes and descriptors come and go while this reads.
function entries(path: string): string[] {
	try {
		return readdirSync(path);
	} catch {
		return [];
	}
}

function text(path: string): string {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return '';
	}
}
