/** Programs put on their hooks, those that run already replaced in place. */

import {closeSync} from 'node:fs';
import {constants} from 'node:os';
import {join} from 'node:path';

import {isEbpfError} from '../base/errors.js';
import type {XdpMode} from '../kernel/netlink/device.js';
import {interfaceIndex} from '../kernel/sys/interfaces.js';
import {attach, type Attached} from '../object/hook/attach.js';
import {openPinnedLink, type Mechanism} from '../object/link/link.js';
import {openNamespace, type NamespaceOptions} from '../object/link/target.js';
import {unpinPath} from '../object/pin/pin.js';
import type {Program} from '../object/program/program.js';
import {datapathPrograms} from './programs.js';
import {
	deviceLinkPath,
	listFolder,
	programPath,
	removePins,
	xdpFolder,
	xdpLinkPath,
	xdpModes,
} from './root.js';
import {attachTc, isFilter, updateFilter} from './tc-hooks.js';

const {ENOLINK, EOPNOTSUPP, EINVAL} = constants.errno;

/** Where XDP shall run: `auto` is native, and generic where the driver has no native XDP. */
export type XdpChoice = XdpMode | 'auto' | 'off';

/** What became of a hook. */
export interface HookChange {
	/** Interface's name, or the cgroup's path. */
	readonly where: string;
	readonly program: string;
	readonly how: Attached['how'];
	readonly mechanism: Mechanism;
	/** Of XDP. */
	readonly mode?: XdpMode;
}

/** What is put where. */
export interface Placement extends NamespaceOptions {
	readonly root: string;
	readonly programs: ReadonlyMap<string, Program>;
}

/** Of all endpoints that there are, and of all devices that are guarded. */
export function updateLinks({root, programs}: Placement): void {
	for (const kind of ['endpoints', 'devices']) {
		for (const where of listFolder(root, 'links', kind)) {
			for (const name of listFolder(root, 'links', kind, where)) {
				const program = programs.get(name);
				if (program !== undefined)
					updateLink(join(root, 'links', kind, where, name), program);
			}
		}
	}
}

/** Those of the devices whose interfaces are still there. *Throws:* `ERR_LINK`. */
export function presentDevices(
	devices: readonly string[],
	netns: string | number | undefined,
): string[] {
	if (devices.length === 0) return [];
	const fd = netns === undefined ? undefined : openNamespace('find devices', netns);
	try {
		return devices.filter(device => interfaceIndex(device, fd) !== undefined);
	} finally {
		if (fd !== undefined) closeSync(fd);
	}
}

/** tcx of the node's devices, or clsact. */
export function attachDevices(
	{root, programs, netns}: Placement,
	devices: readonly string[],
): HookChange[] {
	const changes: HookChange[] = [];
	for (const device of devices) {
		for (const {name, hook, direction} of datapathPrograms) {
			const program = programs.get(name);
			if (hook !== 'device' || direction === undefined || program === undefined) continue;
			const place = {direction, ...(netns === undefined ? {} : {netns})};
			const done = attachTc(program, device, place, deviceLinkPath(root, device, name));
			changes.push({where: device, program: name, ...done});
		}
	}

	return changes;
}

/**
 * XDP of the node's devices. A device where it runs keeps its mode unless another is asked for by
 * name; then frames pass unseen for a moment, since a device has one program.
 */
export function attachXdpDevices(
	placement: Placement,
	devices: readonly string[],
	choice: XdpMode | 'auto',
): HookChange[] {
	const {root, programs} = placement;
	const program = programs.get('xdp_netdev');
	if (program === undefined) return [];
	// Of those that are not named, too.
	for (const device of listFolder(root, 'links', 'xdp')) {
		for (const mode of modesOf(root, device)) {
			updateLink(xdpLinkPath(root, device, mode), program);
		}
	}

	return devices.map(device => attachXdpDevice(placement, device, choice));
}

function attachXdpDevice(
	placement: Placement,
	device: string,
	choice: XdpMode | 'auto',
): HookChange {
	const {root} = placement;
	const [kept] = modesOf(root, device);
	if (choice !== 'auto') return changeMode(placement, device, choice, kept);
	if (kept !== undefined) return attachXdp(placement, device, kept);
	try {
		return attachXdp(placement, device, 'native');
	} catch (error) {
		const errno = isEbpfError(error) ? (error as {errno?: number}).errno : undefined;
		if (errno !== EOPNOTSUPP && errno !== EINVAL) throw error;
		return attachXdp(placement, device, 'generic');
	}
}

/** Another mode than the one that is kept takes its place; where it cannot, what was there stays. */
function changeMode(
	placement: Placement,
	device: string,
	mode: XdpMode,
	kept: XdpMode | undefined,
): HookChange {
	if (kept === undefined || kept === mode) return attachXdp(placement, device, mode);
	detachLink(xdpLinkPath(placement.root, device, kept));
	try {
		return attachXdp(placement, device, mode);
	} catch (error) {
		attachXdp(placement, device, kept);
		throw error;
	}
}

/** Modes in which the datapath runs there: one, or none. */
function modesOf(root: string, device: string): XdpMode[] {
	const pins = listFolder(xdpFolder(root, device));
	return xdpModes.filter(mode => pins.includes(mode));
}

function attachXdp({root, programs, netns}: Placement, device: string, mode: XdpMode): HookChange {
	const program = programs.get('xdp_netdev');
	if (program === undefined) throw new TypeError('there is no program xdp_netdev');
	const {link, how} = attach(
		program,
		{xdp: device, mode, ...(netns === undefined ? {} : {netns})},
		{pin: xdpLinkPath(root, device, mode)},
	);
	using _ = link;
	return {where: device, program: program.name, how, mechanism: link.mechanism, mode};
}

/** Takes XDP off the node's devices. */
export function detachXdp(root: string): void {
	for (const device of listFolder(root, 'links', 'xdp')) {
		for (const mode of modesOf(root, device)) detachLink(xdpLinkPath(root, device, mode));
		removePins(xdpFolder(root, device));
	}

	if (listFolder(root, 'programs').includes('xdp_netdev')) {
		unpinPath(programPath(root, 'xdp_netdev'));
	}
}

function detachLink(path: string): void {
	using link = openPinnedLink(path);
	try {
		link.detach();
	} catch (error) {
		ignoreGone(error);
	}

	unpinPath(path);
}

function updateLink(path: string, program: Program): void {
	if (isFilter(path)) {
		updateFilter(path, program);
		return;
	}

	using link = openPinnedLink(path);
	try {
		link.update(program);
	} catch (error) {
		// Its interface went: what is left of it is removed with what it belongs to.
		ignoreGone(error);
	}
}

function ignoreGone(error: unknown): void {
	if (!isEbpfError(error) || (error as {errno?: number}).errno !== ENOLINK) throw error;
}
