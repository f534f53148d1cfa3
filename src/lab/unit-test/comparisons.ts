/** Packets that a test compared and found different, as `scapy_assert_map` lists them. */

import {cString, hostLittleEndian, viewOf} from '../../base/bytes.js';
import type {Btf} from '../../format/btf/btf.js';
import type {BtfComposite} from '../../format/btf/types.js';
import type {BpfMap} from '../../object/map/map.js';

/** A packet that is not what it should be. */
export interface PacketComparison {
	readonly name: string;
	/** Where it was compared; empty where the object does not say. */
	readonly file: string;
	/** 0 where the object does not say. */
	readonly line: number;
	/** What both begin with: `Ether`, `IP` … */
	readonly firstLayer: string;
	readonly got: Uint8Array;
	readonly expected: Uint8Array;
}

const structName = 'scapy_assert';
const mostEntries = 64;

/** Finds comparisons by the object's type of them: its sizes differ from version to version. */
export class Comparisons {
	readonly #map: BpfMap;
	readonly #layout: BtfComposite;
	readonly #types: Btf;

	private constructor(map: BpfMap, types: Btf, layout: BtfComposite) {
		this.#map = map;
		this.#layout = layout;
		this.#types = types;
	}

	/** Undefined where the map is none of the kind, or the object does not have its type. */
	static of(map: BpfMap | undefined, types: Btf | undefined): Comparisons | undefined {
		if (map?.info.type !== 'array' || types === undefined) return undefined;
		for (const id of types.findAll(structName)) {
			const type = types.type(id);
			if (type.kind === 'struct' && type.size === map.info.valueSize) {
				return new Comparisons(map, types, type);
			}
		}

		return undefined;
	}

	/** Those of the case that just ran; they are gone from the map then. */
	take(): PacketComparison[] {
		const found: PacketComparison[] = [];
		const count = Math.min(this.#map.info.maxEntries, mostEntries);
		for (let i = 0; i < count; i++) {
			const key = new Uint8Array(new Uint32Array([i]).buffer);
			const value = this.#map.raw.get(key);
			if (value === undefined || value.every(byte => byte === 0)) continue;
			const comparison = this.#decode(value);
			if (Buffer.compare(comparison.got, comparison.expected) !== 0) found.push(comparison);
			this.#map.raw.set(key, new Uint8Array(value.length));
		}

		return found;
	}

	#decode(value: Uint8Array): PacketComparison {
		const text = (name: string): string => {
			const bytes = this.#member(value, name) ?? new Uint8Array(0);
			return cString(bytes).replaceAll(/\p{Cc}/gu, '\ufffd');
		};
		const packet = (buffer: string, ...lengths: readonly string[]): Uint8Array => {
			const bytes = this.#member(value, buffer) ?? new Uint8Array(0);
			const length = lengths.map(name => this.#number(value, name));
			return bytes.slice(0, length.find(each => each !== undefined) ?? bytes.length);
		};
		return {
			name: text('name'),
			file: text('file'),
			line: Number.parseInt(text('lnum'), 10) || 0,
			firstLayer: text('first_layer'),
			got: packet('got_buf', 'got_len', 'len'),
			expected: packet('exp_buf', 'exp_len', 'len'),
		};
	}

	#member(value: Uint8Array, name: string): Uint8Array | undefined {
		const member = this.#layout.members.find(each => each.name === name);
		if (member === undefined) return undefined;
		const start = member.bitOffset / 8;
		return value.subarray(start, start + this.#types.sizeOf(member.typeId));
	}

	#number(value: Uint8Array, name: string): number | undefined {
		const bytes = this.#member(value, name);
		if (bytes?.length === 2) return viewOf(bytes).getUint16(0, hostLittleEndian);
		if (bytes?.length === 4) return viewOf(bytes).getUint32(0, hostLittleEndian);
		return undefined;
	}
}
