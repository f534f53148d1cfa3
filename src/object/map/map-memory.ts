import {alignUp, viewOf} from '../../base/bytes.js';
import {UsageError} from '../../base/errors.js';
import type {Codec} from '../../format/codec/codec.js';
import {pageSize} from '../../kernel/sys/map.js';
import {MappedNumber, memoryMap, memoryRead, memoryWrite} from '../../kernel/sys/memory.js';
import {mapFlags} from '../../uapi/flags.js';
import {elementError, MapError} from './map-error.js';
import type {MapInfo} from './map-info.js';

/** How an array map is mapped. */
export interface MemoryOptions {
	/** False for a map that is read-only, as `.rodata` is; true unless given. */
	readonly writable?: boolean;
}

/**
 * The values of an array map as memory that this process shares with the kernel: reading and
 * writing them takes no system call.
 *
 * A number of 1, 2, 4 or 8 bytes at a multiple of its size is read and written at once; anything
 * longer may be seen, or be written, while a program is changing it. Two who write the same number
 * overwrite each other: nothing here adds to what is there. `close()` unmaps it.
 */
export class MapMemory<V = unknown> implements Disposable {
	/** Elements. */
	readonly length: number;
	/** Bytes from one value to the next: a multiple of 8. */
	readonly stride: number;
	/** Bytes of all values. */
	readonly size: number;
	readonly writable: boolean;
	private readonly name: string;
	private readonly codec: Codec<V>;
	private readonly memory: MappedNumber;
	private readonly bytes: Uint8Array;
	private readonly view: DataView;

	/** Use `map.memory()`. */
	constructor(fd: number, info: MapInfo, codec: Codec<V>, options: MemoryOptions = {}) {
		this.name = info.name;
		this.codec = codec;
		this.length = info.maxEntries;
		this.stride = alignUp(info.valueSize, 8);
		this.size = this.stride * this.length;
		this.writable = options.writable ?? true;
		this.bytes = new Uint8Array(info.valueSize);
		this.view = viewOf(this.bytes);
		this.memory = new MappedNumber(mapOrThrow(fd, info, this), `memory of map "${info.name}"`);
	}

	get closed(): boolean {
		return this.memory.closed;
	}

	/** *Throws:* `ERR_USAGE` for an index that the map has not. */
	get(index: number): V {
		memoryRead(this.memory, this.offsetOf(index), this.bytes);
		return this.codec.decode(this.view, 0);
	}

	/** *Throws:* `ERR_USAGE`, `ERR_CODEC`; `ERR_MAP` where the memory is read-only. */
	set(index: number, value: V): void {
		const offset = this.offsetOf(index);
		this.codec.encode(value, this.view, 0);
		this.writeBytes(offset, this.bytes);
	}

	/** Copies bytes from `offset`, counted from the start of the first value, into `into`. */
	read(offset: number, into: Uint8Array): void {
		this.check(offset, into.length);
		memoryRead(this.memory, offset, into);
	}

	/** Writes bytes at an offset of the memory. */
	write(offset: number, bytes: Uint8Array): void {
		this.check(offset, bytes.length);
		this.writeBytes(offset, bytes);
	}

	/** Unmaps the memory. */
	close(): void {
		this.memory.close();
	}

	/** Closes it. */
	[Symbol.dispose](): void {
		this.close();
	}

	private writeBytes(offset: number, bytes: Uint8Array): void {
		if (memoryWrite(this.memory, offset, bytes)) return;
		throw new MapError('write to the memory of', this.name, 'it was mapped read-only');
	}

	private offsetOf(index: number): number {
		if (Number.isInteger(index) && index >= 0 && index < this.length) {
			return index * this.stride;
		}

		throw new UsageError(
			`use the memory of map "${this.name}": it has ${this.length} elements, not index ${index}`,
		);
	}

	private check(offset: number, size: number): void {
		if (Number.isInteger(offset) && offset >= 0 && offset + size <= this.size) return;
		throw new UsageError(
			`use the memory of map "${this.name}": it has ${this.size} bytes, not ${size} at ${offset}`,
		);
	}
}

function mapOrThrow(
	fd: number,
	info: MapInfo,
	{size, writable}: {readonly size: number; readonly writable: boolean},
): number {
	if (info.type !== 'array' || (info.flags & mapFlags.mmapable) === 0) {
		const detail = `only an array map with the flag BPF_F_MMAPABLE is memory, this is of type ${info.type} with flags 0x${info.flags.toString(16)}`;
		throw new MapError('map the memory of', info.name, detail);
	}

	const mapped = memoryMap(fd, alignUp(size, pageSize()), writable);
	if (mapped < 0) throw elementError('map the memory of', info.name, -mapped);
	return mapped;
}
