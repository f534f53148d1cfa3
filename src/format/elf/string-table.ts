import {isUtf8} from 'node:buffer';
import {ElfError} from './elf-error.js';
import {type ElfSection, sectionTypes} from './types.js';

/** Names by their offset. Every name ends inside the table, because the table ends with a NUL. */
export class StringTable {
	readonly #text: Buffer;
	readonly #where: {readonly offset: number; readonly section: string};

	/**
	 * *Throws:* `ERR_ELF` when the section is no string table, does not end with a NUL, or is no
	 * UTF-8: two names must not become one.
	 */
	constructor(section: Omit<ElfSection, 'name'>, name: string) {
		const {data, index, offset, type} = section;
		this.#where = {offset, section: name};
		if (type !== sectionTypes.strtab) {
			throw new ElfError(
				`section ${index} is used as string table but has type ${type}`,
				this.#where,
			);
		}

		if (data.at(-1) !== 0) {
			throw new ElfError(
				`string table ${name} does not end with a NUL: its last name would run out of it`,
				this.#where,
			);
		}

		if (!isUtf8(data)) throw new ElfError(`string table ${name} is no UTF-8`, this.#where);
		this.#text = Buffer.from(data.buffer, data.byteOffset, data.length);
	}

	/** *Throws:* `ERR_ELF` when no name can start at `offset`. */
	check(offset: number, of: string, index: number): void {
		const text = this.#text;
		if (offset >= text.length) {
			throw new ElfError(
				`name of ${of} ${index} is at ${offset}, outside string table ${this.#where.section} of ${text.length} bytes`,
				this.#where,
			);
		}

		if (((text[offset] ?? 0) & 0xc0) === 0x80) {
			throw new ElfError(`name of ${of} ${index} starts inside a character`, this.#where);
		}
	}

	/** The name at an offset that was checked. */
	name(offset: number): string {
		return this.#text.toString('utf8', offset, this.#text.indexOf(0, offset));
	}
}
