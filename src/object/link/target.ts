import {closeSync, openSync} from 'node:fs';

import {UsageError} from '../../base/errors.js';
import {interfaceIndex, interfaceName} from '../../kernel/sys/interfaces.js';
import {refusedEntry} from '../../kernel/sys/namespace.js';
import {LinkError} from './link-error.js';

/** Where to find an interface other than in this process's network namespace. */
export interface NamespaceOptions {
	/** Path of a network namespace, `/run/netns/red`, or number of a process that is in it. */
	readonly netns?: string | number;
}

/** An interface found in its namespace. */
export interface InterfaceTarget {
	readonly ifindex: number;
	readonly name: string;
	/** Descriptor of the namespace; undefined for that of this process. */
	readonly netns: number | undefined;
}

/**
 * Calls `work` with the interface of that name or number, in the namespace asked for.
 *
 * *Throws:* `ERR_LINK` when there is no such interface or namespace.
 */
export function withInterface<T>(
	action: string,
	interfaceOrIndex: string | number,
	options: NamespaceOptions,
	work: (target: InterfaceTarget) => T,
): T {
	const netns = options.netns === undefined ? undefined : openNamespace(action, options.netns);
	try {
		return work(findInterface(action, interfaceOrIndex, netns));
	} finally {
		if (netns !== undefined) closeSync(netns);
	}
}

/** A descriptor of a network namespace, for the caller to close. *Throws:* `ERR_LINK`. */
export function openNamespace(action: string, netns: string | number): number {
	try {
		return openSync(typeof netns === 'number' ? `/proc/${netns}/ns/net` : netns, 'r');
	} catch (cause) {
		const where = typeof netns === 'number' ? `of process ${netns}` : `at "${netns}"`;
		const {code = ''} = cause as NodeJS.ErrnoException;
		const detail = ['ENOENT', 'ESRCH'].includes(code)
			? `no network namespace ${where}`
			: `cannot open the network namespace ${where}: ${code}`;
		throw new LinkError(action, detail, {cause});
	}
}

function findInterface(
	action: string,
	interfaceOrIndex: string | number,
	netns: number | undefined,
): InterfaceTarget {
	if (typeof interfaceOrIndex === 'number') {
		if (!Number.isInteger(interfaceOrIndex) || interfaceOrIndex < 1) {
			throw new UsageError(`${action}: an interface's number is a positive whole number`);
		}

		const name = interfaceName(interfaceOrIndex, netns);
		if (name === undefined) throw notFound(action, String(interfaceOrIndex), netns);
		return {ifindex: interfaceOrIndex, name, netns};
	}

	const ifindex = interfaceIndex(interfaceOrIndex, netns);
	if (ifindex === undefined) throw notFound(action, `"${interfaceOrIndex}"`, netns);
	return {ifindex, name: interfaceOrIndex, netns};
}

/** No such interface, or no look at those of the namespace. */
function notFound(action: string, which: string, netns: number | undefined): LinkError {
	const denied = netns === undefined ? undefined : refusedEntry(netns);
	if (denied === undefined) return new LinkError(action, `no interface ${which}`);
	return new LinkError(action, denied.message, {cause: denied, errno: denied.errno});
}
