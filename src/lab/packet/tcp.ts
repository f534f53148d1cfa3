import type {Codec} from './codec.js';
import {UsageError} from '../../base/errors.js';
import {draft, setWrong, type DraftOf, type OptionsOf, type Wrong} from './fields.js';
import {pseudoChecksum} from './pseudo-header.js';
import {readTcpOptions, sizeOfTcpOptions, writeTcpOptions, type TcpOption} from './tcp-options.js';

/** A TCP header. */
export interface TcpLayer {
	readonly layer: 'tcp';
	/** Default: 40000. */
	readonly sourcePort: number;
	/** Default: 80. */
	readonly destinationPort: number;
	/** Default: 0. */
	readonly sequence: number;
	/** Default: 0. */
	readonly acknowledgment: number;
	/** Bytes. */
	readonly headerLength: number;
	/** Three bits without a meaning. Default: 0. */
	readonly reserved: number;
	/** Of S F R P A U E C N, in this order: `SA`. Default: `S`. */
	readonly flags: string;
	/** As it stands in the header, before scaling. Default: 65535. */
	readonly window: number;
	readonly checksum: number;
	/** Default: 0. */
	readonly urgentPointer: number;
	readonly options: readonly TcpOption[];
	readonly wrong?: Wrong<'headerLength' | 'checksum'>;
}

/** Letters of the flags, in the order they are written in, and their bits. */
const letters = {
	S: 0x002,
	F: 0x001,
	R: 0x004,
	P: 0x008,
	A: 0x010,
	U: 0x020,
	E: 0x040,
	C: 0x080,
	N: 0x100,
} as const;

const names = {
	fin: 0x001,
	syn: 0x002,
	rst: 0x004,
	psh: 0x008,
	ack: 0x010,
	urg: 0x020,
	ece: 0x040,
	cwr: 0x080,
	ns: 0x100,
} as const;

/** A flag of TCP by its name. */
export type TcpFlag = keyof typeof names;

/** What `tcp()` is given. */
export interface TcpOptions extends Omit<OptionsOf<TcpLayer>, 'flags'> {
	/** Letters in any order, `.` for ACK too, or names: `SA`, `S.`, `['syn', 'ack']`. */
	readonly flags?: string | readonly TcpFlag[] | undefined;
}

/** A layer made by `tcp()`, for `packet()`. */
export type TcpDraft = DraftOf<'tcp', TcpOptions>;

const fields = [
	...['sourcePort', 'destinationPort', 'sequence', 'acknowledgment', 'headerLength'],
	...['reserved', 'flags', 'window', 'checksum', 'urgentPointer', 'options'],
];

/** A TCP header. *Throws:* `ERR_USAGE` for an unknown field. */
export function tcp(options: TcpOptions = {}): TcpDraft {
	return draft('tcp', fields, options);
}

/** The text of each of the 512 combinations. */
const texts = Array.from({length: 512}, (_, bits) =>
	Object.entries(letters)
		.filter(([, bit]) => bits & bit)
		.map(([letter]) => letter)
		.join(''),
);
const bitsOfText = new Map(texts.map((text, bits) => [text, bits]));

function bitsOf(flags: string | readonly string[]): number {
	if (typeof flags === 'string') {
		const known = bitsOfText.get(flags);
		if (known !== undefined) return known;
	}

	let bits = 0;
	for (const flag of flags) {
		const bit =
			flag === '.'
				? letters.A
				: flag.length === 1
					? letters[flag.toUpperCase() as keyof typeof letters]
					: names[flag.toLowerCase() as TcpFlag];
		// The type does not know of other letters and names; callers without types may.
		if ((bit as number | undefined) === undefined) {
			throw new UsageError(`build tcp: flags: "${flag}" is none of FSRPAUECN`);
		}

		bits |= bit;
	}

	return bits;
}

const none: readonly TcpOption[] = [];

export const tcpCodec: Codec<TcpLayer, TcpDraft> = {
	derived: ['headerLength', 'checksum'],
	size: ({options}) => 20 + sizeOfTcpOptions(options),
	complete(given) {
		const options = given.options ?? none;
		const size = 20 + sizeOfTcpOptions(options);
		const layer: TcpLayer = {
			layer: 'tcp',
			sourcePort: given.sourcePort ?? 40000,
			destinationPort: given.destinationPort ?? 80,
			sequence: given.sequence ?? 0,
			acknowledgment: given.acknowledgment ?? 0,
			headerLength: given.headerLength ?? size,
			reserved: given.reserved ?? 0,
			flags: texts[bitsOf(given.flags ?? 'S')] ?? '',
			window: given.window ?? 65535,
			checksum: given.checksum ?? 0,
			urgentPointer: given.urgentPointer ?? 0,
			options,
		};
		if (layer.headerLength !== size) setWrong(layer, 'headerLength', size);
		return layer;
	},
	write(layer, out) {
		if (layer.headerLength % 4 !== 0) {
			out.refuse('headerLength', String(layer.headerLength), 'a multiple of 4');
		}

		out.u16('sourcePort', layer.sourcePort);
		out.u16('destinationPort', layer.destinationPort);
		out.u32('sequence', layer.sequence);
		out.u32('acknowledgment', layer.acknowledgment);
		const words = out.bits('headerLength / 4', layer.headerLength / 4, 4, 12);
		const reserved = out.bits('reserved', layer.reserved, 3, 9);
		out.u16('flags', words | reserved | (bitsOfText.get(layer.flags) ?? 0));
		out.u16('window', layer.window);
		out.u16('checksum', layer.checksum);
		out.u16('urgentPointer', layer.urgentPointer);
		writeTcpOptions(layer.options, out);
	},
	read({bytes, view, start, end}) {
		if (end - start < 20) return `${end - start} of 20 bytes`;
		const control = view.getUint16(start + 12);
		const size = (control >> 12) * 4;
		if (size < 20) return `header length ${size}`;
		if (end - start < size) return `${end - start} of ${size} bytes of header`;
		return {
			layer: {
				layer: 'tcp',
				sourcePort: view.getUint16(start),
				destinationPort: view.getUint16(start + 2),
				sequence: view.getUint32(start + 4),
				acknowledgment: view.getUint32(start + 8),
				headerLength: size,
				reserved: (control >> 9) & 7,
				flags: texts[control & 0x1ff] ?? '',
				window: view.getUint16(start + 14),
				checksum: view.getUint16(start + 16),
				urgentPointer: view.getUint16(start + 18),
				options: size === 20 ? none : readTcpOptions(bytes, view, start + 20, start + size),
			},
			size,
			next: 'payload',
		};
	},
	checksum: pseudoChecksum(6, 16),
};
