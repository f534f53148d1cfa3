/** The memory that a program copies elements of a map to, and this process reads them from. */

import {alignUp} from '../../base/bytes.js';
import {addon} from '../../kernel/sys/addon.js';
import {pageSize, type MapCreateAttr} from '../../kernel/sys/map.js';
import {MappedNumber, memoryMap, memoryRead} from '../../kernel/sys/memory.js';
import {mapFlags} from '../../uapi/flags.js';
import {mapTypeNumber} from '../../uapi/map-types.js';
import {elementError} from './map-error.js';

/** The map to be created: its memory is cleared, which takes milliseconds where it is large. */
export function outputAttr(record: number, capacity: number): MapCreateAttr {
	return {
		type: mapTypeNumber('array'),
		keySize: 4,
		valueSize: record,
		maxEntries: capacity,
		flags: mapFlags.mmapable,
		name: 'skep_fast',
		extra: 0n,
	};
}

// To map all of a large output at once holds the event loop for longer than a turn.
const windowSize = 4 * 1024 * 1024;

interface Window {
	readonly memory: MappedNumber;
	readonly start: number;
	readonly end: number;
}

/** An output map, of which a part at a time is mapped. Owns the descriptor. */
export class FastOutput {
	readonly fd: number;
	private readonly name: string;
	private readonly size: number;
	private window: Window | undefined;
	private isOpen = true;

	/** `name` is the map's whose elements are copied. */
	constructor(fd: number, size: number, name: string) {
		this.fd = fd;
		this.size = alignUp(size, pageSize());
		this.name = name;
	}

	/** Copies bytes from `offset` on, in order for few mappings. *Throws:* `ERR_MAP`. */
	read(offset: number, bytes: Uint8Array): void {
		const end = offset + bytes.length;
		const {window} = this;
		const {memory, start} =
			window !== undefined && window.start <= offset && end <= window.end
				? window
				: this.map(offset, end);
		memoryRead(memory, offset - start, bytes);
	}

	close(): void {
		this.window?.memory.close();
		this.window = undefined;
		if (!this.isOpen) return;
		this.isOpen = false;
		addon.closeFd(this.fd);
	}

	private map(from: number, to: number): Window {
		this.window?.memory.close();
		this.window = undefined;
		const start = from - (from % pageSize());
		const end = Math.min(Math.max(start + windowSize, alignUp(to, pageSize())), this.size);
		const mapped = memoryMap(this.fd, end - start, false, start);
		if (mapped < 0) throw elementError('map memory to read', this.name, -mapped);
		const memory = new MappedNumber(mapped, `memory to read map "${this.name}" into`);
		this.window = {memory, start, end};
		return this.window;
	}
}
