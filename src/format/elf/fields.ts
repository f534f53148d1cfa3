import {viewOf} from '../../base/bytes.js';
import {ElfError} from './elf-error.js';

/** Reads numbers in the file's byte order. Callers have checked the range. */
export class Fields {
	readonly view: DataView;
	readonly littleEndian: boolean;

	constructor(bytes: Uint8Array, littleEndian: boolean) {
		this.view = viewOf(bytes);
		this.littleEndian = littleEndian;
	}

	u8(offset: number): number {
		return this.view.getUint8(offset);
	}

	u16(offset: number): number {
		return this.view.getUint16(offset, this.littleEndian);
	}

	u32(offset: number): number {
		return this.view.getUint32(offset, this.littleEndian);
	}

	/**
	 * The message is put together from `field` and `of` only when it is needed.
	 *
	 * *Throws:* `ERR_ELF` for 2^53 and more, which a number cannot hold exactly.
	 */
	u64(offset: number, field: string, of: string, index: number): number {
		const high = this.u32(offset + (this.littleEndian ? 4 : 0));
		const low = this.u32(offset + (this.littleEndian ? 0 : 4));
		if (high < 0x200000) return high * 0x100000000 + low;
		throw new ElfError(`${field} of ${of} ${index} is 2^53 or more`, {offset});
	}
}
