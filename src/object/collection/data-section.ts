import {MapError} from '../map/map-error.js';
import type {BpfMap} from '../map/map.js';
import type {MapMemory} from '../map/map-memory.js';

const first = new Uint8Array(4);

/**
 * The bytes of a data section in the kernel: as memory where its map allows it, else by reading and
 * writing its only element.
 */
export class DataSection implements Disposable {
	private readonly map: BpfMap;
	private memory: MapMemory | undefined;
	private refused = false;

	constructor(map: BpfMap) {
		this.map = map;
	}

	/** See `Variable.access`. */
	get access(): 'memory' | 'element' {
		return this.mapped() === undefined ? 'element' : 'memory';
	}

	/** *Throws:* `ERR_MAP`, `ERR_USAGE` once the map is closed. */
	read(offset: number, into: Uint8Array): void {
		const memory = this.mapped();
		if (memory !== undefined) {
			memory.read(offset, into);
			return;
		}

		const bytes = this.map.raw.get(first);
		if (bytes !== undefined) into.set(bytes.subarray(offset, offset + into.length));
	}

	/** *Throws:* `ERR_MAP`, `ERR_USAGE` once the map is closed. */
	write(offset: number, bytes: Uint8Array): void {
		const memory = this.mapped();
		if (memory !== undefined) {
			memory.write(offset, bytes);
			return;
		}

		const whole = this.map.raw.get(first) ?? new Uint8Array(this.map.raw.valueSize);
		whole.set(bytes, offset);
		this.map.raw.set(first, whole);
	}

	close(): void {
		this.memory?.close();
	}

	[Symbol.dispose](): void {
		this.close();
	}

	private mapped(): MapMemory | undefined {
		if (this.memory !== undefined || this.refused) return this.memory;
		this.memory = this.tryMap(true) ?? this.tryMap(false);
		this.refused = this.memory === undefined;
		return this.memory;
	}

	private tryMap(writable: boolean): MapMemory | undefined {
		try {
			return this.map.memory({writable});
		} catch (error) {
			if (error instanceof MapError) return undefined;
			throw error;
		}
	}
}
