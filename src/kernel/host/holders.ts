import {readdirSync, readFileSync} from 'node:fs';

/** A process that has a descriptor of a kernel object open. */
export interface Holder {
	readonly pid: number;
	readonly command: string;
}

/** How /proc/PID/fdinfo names the objects of each kind. */
const labels = {prog: 'prog_id', map: 'map_id', link: 'link_id', btf: 'btf_id'} as const;

/** Kinds of object whose holders can be found. */
export type HeldKind = keyof typeof labels;

/**
 * Which processes hold which objects of a kind, by id. Processes that may not be looked into are
 * left out, and so are pins and attachments.
 */
export function findHolders(kind: HeldKind): Map<number, Holder[]> {
	const pattern = new RegExp(`^${labels[kind]}:\\s*(\\d+)$`, 'm');
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
		const id = pattern.exec(text(`/proc/${pid}/fdinfo/${fd}`))?.[1];
		if (id !== undefined) ids.add(Number(id));
	}

	return ids;
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
