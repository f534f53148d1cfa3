/** Programs in the hosts of another process's lab. */

import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {constants} from 'node:os';

import {LabError} from '../topology/lab-error.js';
import {listLabs} from '../topology/leftovers.js';
import {enterCommand} from './enter.js';

/** How a host is entered. */
export interface EnterOptions {
	/** Name of the lab, where several have such a host. */
	readonly lab?: string;
	/** The program and its arguments; the user's shell unless given. */
	readonly command?: readonly [string, ...string[]];
}

/**
 * Runs a program in a host of a lab that stands, on this process's own terminal, and gives its exit
 * status.
 *
 * *Throws:* `ERR_LAB` when there is no such host, or more than one.
 */
export async function enterHost(host: string, options: EnterOptions = {}): Promise<number> {
	const {command = [process.env['SHELL'] ?? 'sh']} = options;
	const [program, ...args] = command;
	const [shell, ...rest] = enterCommand(findHost(host, options.lab), program, args);
	const child = spawn(shell, rest, {stdio: 'inherit'});
	// The terminal sends Ctrl-C to both, and it is meant for the program.
	const ignore = (): void => undefined;
	process.on('SIGINT', ignore);
	try {
		const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
		const number = signal === null ? 0 : constants.signals[signal as NodeJS.Signals];
		return code ?? 128 + number;
	} finally {
		process.off('SIGINT', ignore);
	}
}

function findHost(name: string, lab: string | undefined): {netns: string; cgroup: string} {
	const labs = listLabs().filter(each => each.alive);
	const found = labs
		.filter(each => lab === undefined || each.name === lab)
		.flatMap(each => each.hosts.map(host => ({...host, lab: each.name, pid: each.pid})))
		.filter(host => host.name === name);
	const [only] = found;
	if (only !== undefined && found.length === 1) return only;
	const known = labs.flatMap(each => each.hosts.map(host => `${each.name}/${host.name}`));
	const several = found.map(host => `"${host.lab}" of process ${host.pid}`).join(', ');
	const detail =
		found.length > 1
			? `labs ${several} each have one`
			: `no lab that stands has one; there are ${known.join(', ') || 'none'}`;
	throw new LabError(`find host "${name}" in`, lab ?? 'any', detail);
}
