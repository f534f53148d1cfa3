/** Keys and values of one length each, found by key: a hash table without an object per entry. */
export class ByteTable {
	/** Entries that are there. */
	size = 0;
	private readonly keySize: number;
	private readonly valueSize: number;
	/** Of each place: entry + 1, or 0 where it is free. */
	private places = new Int32Array(1024);
	private keys: Uint8Array;
	private values: Uint8Array;
	/** The round in which an entry was last marked; 0 of those that were removed. */
	private marks = new Uint32Array(512);
	private used = 0;

	constructor(keySize: number, valueSize: number) {
		this.keySize = keySize;
		this.valueSize = valueSize;
		this.keys = new Uint8Array(512 * keySize);
		this.values = new Uint8Array(512 * valueSize);
	}

	/** The entry of the key at `offset`, or -1. */
	find(bytes: Uint8Array, offset: number): number {
		const entry = (this.places[this.placeOf(bytes, offset)] ?? 0) - 1;
		return entry >= 0 && this.marks[entry] !== 0 ? entry : -1;
	}

	/** Adds a key or changes its value, and marks it. `mark` is 1 or more. */
	set(
		key: Uint8Array,
		keyOffset: number,
		value: Uint8Array,
		valueOffset: number,
		mark: number,
	): void {
		const place = this.placeOf(key, keyOffset);
		let entry = (this.places[place] ?? 0) - 1;
		if (entry < 0) {
			if (this.used * 2 >= this.places.length) {
				this.grow();
				this.set(key, keyOffset, value, valueOffset, mark);
				return;
			}

			entry = this.used++;
			this.places[place] = entry + 1;
			copy(key, keyOffset, this.keys, entry * this.keySize, this.keySize);
		}

		if (this.marks[entry] === 0) this.size++;
		this.marks[entry] = mark;
		copy(value, valueOffset, this.values, entry * this.valueSize, this.valueSize);
	}

	mark(entry: number, mark: number): void {
		this.marks[entry] = mark;
	}

	remove(entry: number): void {
		if (this.marks[entry] !== 0) this.size--;
		this.marks[entry] = 0;
	}

	/** Entries whose mark is another one. */
	*unmarked(mark: number): Generator<number> {
		for (let entry = 0; entry < this.used; entry++) {
			const is = this.marks[entry];
			if (is !== 0 && is !== mark) yield entry;
		}
	}

	key(entry: number): Uint8Array {
		return this.keys.subarray(entry * this.keySize, (entry + 1) * this.keySize);
	}

	value(entry: number): Uint8Array {
		return this.values.subarray(entry * this.valueSize, (entry + 1) * this.valueSize);
	}

	/** True where the entry has the value at `offset`. */
	hasValue(entry: number, bytes: Uint8Array, offset: number): boolean {
		return same(this.values, entry * this.valueSize, bytes, offset, this.valueSize);
	}

	/** Where the key is, or where it belongs. */
	private placeOf(bytes: Uint8Array, offset: number): number {
		const mask = this.places.length - 1;
		for (let place = hash(bytes, offset, this.keySize) & mask; ; place = (place + 1) & mask) {
			const entry = (this.places[place] ?? 0) - 1;
			if (entry < 0) return place;
			if (same(this.keys, entry * this.keySize, bytes, offset, this.keySize)) return place;
		}
	}

	private grow(): void {
		const capacity = this.used * 2;
		this.keys = enlarged(this.keys, capacity * this.keySize);
		this.values = enlarged(this.values, capacity * this.valueSize);
		const marks = new Uint32Array(capacity);
		marks.set(this.marks);
		this.marks = marks;
		this.places = new Int32Array(this.places.length * 2);
		for (let entry = 0; entry < this.used; entry++) {
			this.places[this.placeOf(this.keys, entry * this.keySize)] = entry + 1;
		}
	}
}

/** True where `size` bytes are the same. */
export function same(
	a: Uint8Array,
	aOffset: number,
	b: Uint8Array,
	bOffset: number,
	size: number,
): boolean {
	for (let i = 0; i < size; i++) if (a[aOffset + i] !== b[bOffset + i]) return false;
	return true;
}

function copy(
	from: Uint8Array,
	fromOffset: number,
	to: Uint8Array,
	toOffset: number,
	size: number,
): void {
	for (let i = 0; i < size; i++) to[toOffset + i] = from[fromOffset + i] ?? 0;
}

function hash(bytes: Uint8Array, offset: number, size: number): number {
	let sum = 0x81_1c_9d_c5;
	for (let i = 0; i < size; i++) sum = Math.imul(sum ^ (bytes[offset + i] ?? 0), 0x01_00_01_93);
	return sum ^ (sum >>> 15);
}

function enlarged(bytes: Uint8Array, size: number): Uint8Array {
	const larger = new Uint8Array(size);
	larger.set(bytes);
	return larger;
}
