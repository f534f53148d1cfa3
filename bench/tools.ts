/** Programs of others that modes take: they read rules, or set up devices. */

import {accessSync, constants} from 'node:fs';
import {join} from 'node:path';

import type {Host} from '../src/lab/index.js';

/** By Debian's package. */
const packages = {
	'iptables-legacy-restore': 'iptables',
	'ip6tables-legacy-restore': 'iptables',
	nft: 'nftables',
	ethtool: 'ethtool',
} as const;

export type Tool = keyof typeof packages;

/** By family; the kernel's own tables, not those of nftables behind the same command. */
export const iptablesRestore = {
	4: 'iptables-legacy-restore',
	6: 'ip6tables-legacy-restore',
} as const;

/** A peer that is not installed. */
export class MissingToolError extends Error {
	constructor(tool: Tool) {
		const advice = `install ${packages[tool]}, or leave out by --mode what needs it`;
		super(`there is no program "${tool}": ${advice}`);
	}
}

/** Runs a tool on a host. *Throws:* what it complains of. */
export async function runTool(
	host: Host,
	tool: Tool,
	args: readonly string[],
	input = '',
): Promise<void> {
	const {code, stderr} = await host.exec(requireTool(tool), args, {input, timeout: 180_000});
	if (code !== 0) throw new Error(`${[tool, ...args].join(' ')}: ${stderr.trim()}`);
}

/** Path of a tool. *Throws:* `MissingToolError`. */
export function requireTool(tool: Tool): string {
	const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
	// npm puts programs of packages in front, and one is called nft, too.
	const path = folders
		.filter(folder => !folder.includes('node_modules'))
		.map(folder => join(folder, tool))
		.find(isExecutable);
	if (path !== undefined) return path;
	throw new MissingToolError(tool);
}

function isExecutable(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}
