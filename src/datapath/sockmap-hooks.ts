/** Direct connections between sockets, switched on and off. */

import {existsSync} from 'node:fs';
import {join} from 'node:path';

import {UsageError} from '../base/errors.js';
import {attachSockmap} from '../object/link/attach-sockmap.js';
import {openPinnedLink} from '../object/link/link.js';
import {unpinPath} from '../object/pin/pin.js';
import {detachFromCgroup} from './cgroup-hooks.js';
import type {HookChange, Placement} from './hooks.js';
import {openDatapathMaps, type DatapathMaps} from './maps.js';
import {raiseSockmapRevision} from './revisions.js';
import {cgroupFolder, listFolder, programPath, sockmapFolder} from './root.js';

const recorder = 'record_socket';
const redirector = 'redirect_message';

/**
 * Puts the program that redirects messages on the map of sockets, or in the place of its predecessor:
 * sockets that are in the map keep the one with which they came. *Kernel:* 6.10, for the link.
 */
export function attachToSockmap({root, programs}: Placement): HookChange[] {
	const program = programs.get(redirector);
	if (program === undefined) return [];
	if (!listFolder(cgroupFolder(root)).includes(recorder)) {
		throw new UsageError('set up direct connections: say for the sockets of which cgroup');
	}

	const pin = join(sockmapFolder(root), redirector);
	const change = {where: 'sock_ops', program: redirector};
	if (existsSync(pin)) {
		using link = openPinnedLink(pin);
		link.update(program);
		return [{...change, how: 'replaced', mechanism: link.mechanism}];
	}

	using maps = openDatapathMaps({root, write: true});
	using link = attachSockmap(program, maps.require('directSockets'), {mechanism: 'link'});
	link.pin(pin);
	return [{...change, how: 'created', mechanism: link.mechanism}];
}

/**
 * Chooses no connection any more. The running ones have the stack from their next message on, behind
 * what they put through; they need the map of sockets until they close, and keep it.
 */
export function endDirectConnections(maps: DatapathMaps): void {
	const ports = maps.directPorts;
	if (ports?.known !== true) return;
	for (const key of [...ports.map.keys()]) ports.map.delete(key);
	raiseSockmapRevision(maps);
}

/** Takes the programs off. */
export function detachFromSockmap(root: string): void {
	using maps = openDatapathMaps({root, write: true});
	endDirectConnections(maps);
	detachFromCgroup(root, 'sockops');
	const pin = join(sockmapFolder(root), redirector);
	if (existsSync(pin)) {
		using link = openPinnedLink(pin);
		link.detach();
		unpinPath(pin);
	}

	if (existsSync(programPath(root, redirector))) unpinPath(programPath(root, redirector));
}
