import {constants} from 'node:os';

import {linkCreate} from '../../kernel/sys/link.js';
import {mapDelete, mapUpdate} from '../../kernel/sys/map.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {attachTypeNumber} from '../../uapi/attach-types.js';
import {Link} from '../link/link.js';
import {elementError, MapError} from '../map/map-error.js';
import type {BpfMap} from '../map/map.js';

const first = new Uint8Array(4);

/** A struct of the kernel's whose functions are loaded programs, ready to be attached. */
export class StructOps {
	/** Its variable's name in the object, which is the map's as well. */
	readonly name: string;
	/** Name of the kernel's struct: `tcp_congestion_ops`. */
	readonly struct: string;
	private readonly map: BpfMap;
	private readonly value: Uint8Array;
	private readonly link: boolean;

	constructor(
		spec: {readonly name: string; readonly struct: string; readonly link: boolean},
		map: BpfMap,
		value: Uint8Array,
	) {
		this.name = spec.name;
		this.struct = spec.struct;
		this.link = spec.link;
		this.map = map;
		this.value = value;
	}

	/**
	 * Lets the kernel use it, until what is returned is closed: by a link where the object says so
	 * (`.struct_ops.link`, *Kernel:* 6.4), which may be pinned, else by writing the map's element.
	 *
	 * *Throws:* `ERR_MAP` when the kernel refuses the struct, as for a name that is taken.
	 */
	attach(): Link | StructOpsRegistration {
		const result = mapUpdate(this.map.fd, first, this.value, 0);
		// The element of a map with a link is written once; a second link may use it.
		const written = this.link && result === -constants.errno.EBUSY;
		if (result < 0 && !written) throw elementError('attach', this.name, -result);
		if (!this.link) return new StructOpsRegistration(this.name, this.map);
		try {
			const attachType = attachTypeNumber('struct_ops');
			const fd = linkCreate({programFd: this.map.fd, target: 0, attachType, flags: 0});
			return new Link(fd, `struct_ops "${this.name}"`);
		} catch (cause) {
			if (!(cause instanceof SyscallError)) throw cause;
			const {errno, message} = cause;
			throw new MapError('attach', this.name, message, {cause, errno});
		}
	}
}

/** A struct that is in use because its map's element is written. */
export class StructOpsRegistration implements Disposable {
	private readonly name: string;
	private map: BpfMap | undefined;

	constructor(name: string, map: BpfMap) {
		this.name = name;
		this.map = map;
	}

	/** Takes it back; what uses it already goes on until it ends. *Throws:* `ERR_MAP`. */
	close(): void {
		const {map} = this;
		if (map === undefined) return;
		this.map = undefined;
		const result = mapDelete(map.fd, first);
		if (result < 0) throw elementError('detach', this.name, -result);
	}

	/** Closes it. */
	[Symbol.dispose](): void {
		this.close();
	}
}
