import {readdirSync} from 'node:fs';
import {join} from 'node:path';

import {mountsOf} from '../../kernel/host/mounts.js';
import {addon} from '../../kernel/sys/addon.js';
import {mapInfo, programInfo} from '../../kernel/sys/info.js';
import {linkInfo} from '../../kernel/sys/link-info.js';
import {tryOpenPin} from './pin.js';
import {PinError} from './pin-error.js';

/** An object that a path in a bpf filesystem keeps alive. */
export interface Pin {
	readonly path: string;
	readonly kind: 'program' | 'map' | 'link';
	readonly id: number;
}

/**
 * All pins under `root`, or in every mounted bpf filesystem; those that vanish meanwhile are left
 * out. *Throws:* `ERR_PIN` when `root` is not there.
 */
export function* listPins(root?: string): Generator<Pin> {
	if (root === undefined) {
		for (const path of new Set(mountsOf('bpf').map(mount => mount.path))) yield* walk(path);
		return;
	}

	try {
		readdirSync(root);
	} catch (cause) {
		throw new PinError('list pins under', root, (cause as Error).message, {cause});
	}

	yield* walk(root);
}

function* walk(directory: string): Generator<Pin> {
	for (const entry of read(directory)) {
		const path = join(directory, entry.name);
		if (entry.isDirectory()) {
			yield* walk(path);
		} else {
			const pin = identify(path);
			if (pin !== undefined) yield pin;
		}
	}
}

function read(directory: string) {
	try {
		return readdirSync(directory, {withFileTypes: true});
	} catch {
		return [];
	}
}

function identify(path: string): Pin | undefined {
	let fd;
	try {
		fd = tryOpenPin(path);
	} catch (error) {
		// `maps.debug` and its like are iterators, not objects.
		if (error instanceof PinError) return undefined;
		throw error;
	}

	if (fd === undefined) return undefined;
	try {
		switch (addon.fdKind(fd)) {
			case 'map':
				return {path, kind: 'map', id: mapInfo(fd).id};
			case 'program':
				return {path, kind: 'program', id: programInfo(fd).id};
			case 'link':
				return {path, kind: 'link', id: linkInfo(fd).id};
			default:
				return undefined;
		}
	} finally {
		addon.closeFd(fd);
	}
}
