/** Capture files built by hand, with what a writer would never write. */

export type Field = readonly [bits: 8 | 16 | 32 | 64, value: number | bigint];

/** Numbers one after another. */
export function fields(littleEndian: boolean, ...values: readonly Field[]): Uint8Array {
	const bytes = new Uint8Array(values.reduce((sum, [bits]) => sum + bits / 8, 0));
	const view = new DataView(bytes.buffer);
	let at = 0;
	for (const [bits, value] of values) {
		if (bits === 8) view.setUint8(at, Number(value));
		else if (bits === 16) view.setUint16(at, Number(value), littleEndian);
		else if (bits === 32) view.setUint32(at, Number(value), littleEndian);
		else view.setBigInt64(at, BigInt(value), littleEndian);
		at += bits / 8;
	}

	return bytes;
}

const join = (...pieces: readonly Uint8Array[]): Uint8Array => Buffer.concat(pieces);

const pad = (bytes: Uint8Array): Uint8Array =>
	join(bytes, new Uint8Array((4 - (bytes.length % 4)) % 4));

/** Writes blocks of pcapng in one byte order. */
export class Blocks {
	readonly littleEndian: boolean;

	constructor(littleEndian: boolean) {
		this.littleEndian = littleEndian;
	}

	fields(...values: readonly Field[]): Uint8Array {
		return fields(this.littleEndian, ...values);
	}

	block(type: number, ...body: readonly Uint8Array[]): Uint8Array {
		const inner = pad(join(...body));
		const length = this.fields([32, inner.length + 12]);
		return join(this.fields([32, type]), length, inner, length);
	}

	option(code: number, value: Uint8Array): Uint8Array {
		return join(this.fields([16, code], [16, value.length]), pad(value));
	}

	section(): Uint8Array {
		const magic = this.fields([32, 0x1a2b3c4d], [16, 1], [16, 0], [64, -1]);
		return this.block(0x0a0d0d0a, magic);
	}

	interface(linkType: number, snapLength: number, ...options: readonly Uint8Array[]): Uint8Array {
		const fixed = this.fields([16, linkType], [16, 0], [32, snapLength]);
		return this.block(1, fixed, ...options);
	}

	packet(
		number: number,
		ticks: bigint,
		data: Uint8Array,
		...options: readonly Uint8Array[]
	): Uint8Array {
		const {length} = data;
		const time: Field[] = [
			[32, ticks >> 32n],
			[32, ticks & 0xffff_ffffn],
		];
		const fixed = this.fields([32, number], ...time, [32, length], [32, length]);
		return this.block(6, fixed, pad(data), ...options);
	}
}
