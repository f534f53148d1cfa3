/** Names that C can tell apart, for types that BTF tells apart by their ids. */

import type {BtfComposite, BtfEnum, BtfEnum64, BtfForward} from '../types.js';

const keywords = new Set(
	(
		'asm auto break case char const continue default do double else enum extern float for goto if ' +
		'inline int long register restrict return short signed sizeof static struct switch typedef ' +
		'typeof union unsigned void volatile while _Alignas _Alignof _Atomic _Bool _Complex _Generic ' +
		'_Imaginary _Noreturn _Static_assert _Thread_local __int128 __attribute__ __extension__'
	).split(' '),
);

/** A name as a C identifier: other languages put signs into theirs that C does not know. */
export function cIdentifier(name: string): string {
	if (/^[A-Za-z_]\w*$/.test(name)) return keywords.has(name) ? `${name}_` : name;
	const plain = name.replaceAll(/\W/g, '_');
	return /^\d/.test(plain) ? `_${plain}` : plain;
}

type Tagged = BtfComposite | BtfEnum | BtfEnum64 | BtfForward;

interface Tag {
	readonly word: string;
	/** Only declared so far: the first definition may take the name. */
	isForward: boolean;
}

/**
 * Gives each type a name of its own in C's two spaces of names: the first of a name has it as it
 * is, the next ones with `___2`, `___3` …, which relocations take for flavours of the same type.
 */
export class CNames {
	private readonly tags = new Map<string, Tag>();
	/** The compiler has one name of its own, for something of another size. */
	private readonly ordinary = new Set(['__builtin_va_list']);
	private readonly given = new Map<number, string>();

	/** The name behind `struct`, `union` or `enum`. */
	tag(type: Tagged): string {
		const known = this.given.get(type.id);
		if (known !== undefined) return known;
		const word = tagWord(type);
		const isForward = type.kind === 'fwd';
		const base = cIdentifier(type.name);
		for (let count = 1; ; count++) {
			const name = count === 1 ? base : `${base}___${count}`;
			const taken = this.tags.get(name);
			if (taken === undefined) {
				this.tags.set(name, {word, isForward});
			} else if (taken.word !== word || (!isForward && !taken.isForward)) {
				continue;
			} else if (!isForward) {
				taken.isForward = false;
			}

			this.given.set(type.id, name);
			return name;
		}
	}

	/** The name of the typedef or function numbered `id`. */
	typedef(id: number, text: string): string {
		const known = this.given.get(id);
		if (known !== undefined) return known;
		const name = this.enumerator(text);
		this.given.set(id, name);
		return name;
	}

	/** A name for something that is named once. */
	enumerator(text: string): string {
		const base = cIdentifier(text);
		let name = base;
		for (let count = 2; this.ordinary.has(name); count++) name = `${base}___${count}`;
		this.ordinary.add(name);
		return name;
	}

	/** Does a typedef, enumerator or function have this name? */
	isTaken(name: string): boolean {
		return this.ordinary.has(name);
	}
}

/** The word before the tag: `struct`, `union`, `enum`. */
export function tagWord(type: Tagged): 'struct' | 'union' | 'enum' {
	switch (type.kind) {
		case 'fwd':
			return type.forwardKind;
		case 'struct':
		case 'union':
			return type.kind;
		default:
			return 'enum';
	}
}
